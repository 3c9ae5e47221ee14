"""How long the command line takes: base images, and the release of the example."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench import machine
from bench.scratch import Scratch, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = 'suite = "bookworm"\n'
BOTH = 'platforms = ["linux/amd64", "linux/arm64"]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement."""

    name: str
    measured: float
    at_most: float | None
    unit: str
    met: bool | None


def measure() -> dict[str, object]:
    """Return all rows and the machine; each row is told on standard error as it is there."""
    with scratch() as place:
        rows = [*bases(place), *releases(place)]
    return {"machine": machine.described(), "rows": [asdict(one) for one in rows]}


def row(name: str, measured: float, at_most: float | None, unit: str = "s") -> Measured:
    """Return a row, and tell of it on standard error."""
    met = None if at_most is None else measured <= at_most
    word = {None: "", True: "met", False: "NOT MET"}[met]
    limit = "" if at_most is None else f"at most {at_most:g} {unit}"
    print(f"{name:<52}{measured:>9.3f} {unit:<3} {limit:<20}{word}", file=sys.stderr)
    return Measured(name=name, measured=round(measured, 4), at_most=at_most, unit=unit, met=met)


def bases(place: Scratch) -> Iterator[Measured]:
    """Measure the base image for each platform alone, and make all that the rest needs."""
    for architecture in ("amd64", "arm64"):
        one = f'platforms = ["linux/{architecture}"]\n'
        place.configure(BOTH, one)
        place.configure(SUITE, SUITE + one)
        yield row(f"base image, {architecture} alone", place.keelway("base", "python"), 30)
        place.configure(SUITE + one, SUITE)
        place.configure(one, BOTH)
    yield row("two base images, both platforms", place.keelway("base"), None)
    yield row("base images again, nothing changed", place.keelway("base"), 1)


def releases(place: Scratch) -> Iterator[Measured]:
    """Measure the release of the example, new and with nothing changed, and its verification."""
    yield row("release of examples/orders, nothing cached", place.keelway("release"), None)
    yield row("the same again", place.keelway("release"), 5)
    steps = place.report()["steps"]
    yield row(
        "steps of it that were cached", 100 * steps["cached"] / sum(steps.values()), None, "%"
    )
    reference = place.report()["published"][0]["references"][0]
    words = ("verify", reference, "--key", ".keelway/demo.pub")
    yield row("verification of the image that was released", place.keelway(*words), 3)
