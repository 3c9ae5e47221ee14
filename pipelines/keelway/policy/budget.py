"""Budgets of size and layers.

Example:
    >>> parse_size("1.5 MB"), parse_size("2KiB")
    (1500000, 2048)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.policy import ImageMeasure

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(i?)B")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_PERCENT = "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How large an image may be, as the configuration writes it. What is None is not limited."""

    size: str | None = None
    layer: str | None = None
    wasted: str | None = None
    layers: int | None = None
    growth: str | None = None
    """Over the last release: `10%` or `20MB`."""

    @property
    def empty(self) -> bool:
        """Whether nothing is limited."""
        return self == Budget()


def parse_size(text: str) -> int:
    """Return a size in bytes.

    Raises:
        ValueError: It is no size.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size")
    number, unit, binary = found.groups()
    power: int = (1024 if binary else 1000) ** _POWERS[unit]
    return round(float(number) * power)


def shown_size(size_bytes: int) -> str:
    """Return a size as people read it.

    >>> shown_size(999), shown_size(12_345_678)
    ('999 B', '12.3 MB')
    """
    size = float(size_bytes)
    for unit in ("B", "KB", "MB"):
        if size < 1000:  # noqa: PLR2004 - the next unit
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def over_budget(
    budget: Budget, measure: ImageMeasure, released: ImageMeasure | None
) -> tuple[str, ...]:
    """Return what is over the budget, one sentence each.

    Args:
        budget: What is allowed.
        measure: What was built.
        released: The same image and platform in the last release; nothing when there is none.
    """
    return tuple(_over(budget, measure, released))


def _over(budget: Budget, measure: ImageMeasure, released: ImageMeasure | None) -> Iterator[str]:
    for what, size, limit in (
        ("the image has", measure.size_bytes, budget.size),
        ("its largest layer has", measure.largest_layer_bytes, budget.layer),
        ("replaced or removed files take", measure.wasted_bytes, budget.wasted),
    ):
        if limit is not None and size > parse_size(limit):
            yield f"{what} {shown_size(size)}, the budget is {limit}"
    if budget.layers is not None and measure.layers > budget.layers:
        yield f"it has {measure.layers} layers, the budget is {budget.layers}"
    if budget.growth is None or released is None:
        return
    grown = measure.size_bytes - released.size_bytes
    if grown > growth_allowed(budget.growth, released.size_bytes):
        yield (
            f"it grew by {shown_size(grown)}, from {shown_size(released.size_bytes)} to "
            f"{shown_size(measure.size_bytes)}, the budget is {budget.growth}"
        )


def growth_allowed(growth: str, size_bytes: int) -> int:
    """Return how many bytes an image of this size may grow by.

    >>> growth_allowed("10%", 2000), growth_allowed("5 KB", 2000)
    (200, 5000)
    """
    if growth.endswith(_PERCENT):
        return int(size_bytes * float(growth.removesuffix(_PERCENT)) / 100)
    return parse_size(growth)
