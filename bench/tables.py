"""How the page says things: prose, tables, and figures with their units."""

from __future__ import annotations

import statistics
import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MIB: Final = 1 << 20
WIDTH = 120


def prose(text: str) -> Iterator[str]:
    """Yield a paragraph's lines, after an empty one."""
    yield ""
    yield from textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines; figures are on the right."""
    yield ""
    yield _row(heads)
    yield _row(["---", *("---:" for _ in heads[1:])])
    for row in rows:
        yield _row([cell.replace("|", "\\|") for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def picture(pictures: Mapping[str, str], name: str, title: str) -> Iterator[str]:
    """Yield the line of a picture, where there is one."""
    if name in pictures:
        yield from ("", f"![{title}]({pictures[name]})")


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Return the median of figures, with the least and the most where they differ.

    >>> spread([1.0, 2.0, 4.0], seconds)
    '2.00 s (1.00 s to 4.00 s)'
    """
    if not values:
        return ""
    middle = show(statistics.median(values))
    least, most = show(min(values)), show(max(values))
    return middle if least == most else f"{middle} ({least} to {most})"


def value(figure: float, unit: str) -> str:
    """Return a figure in a unit: `x` for ratios, `%` for shares as fractions, or of time."""
    if unit == "x":
        return times(figure)
    return percent(figure) if unit == "%" else f"{figure:.3g} {unit}"


def times(figure: float) -> str:
    """Return a ratio."""
    return f"{figure:.2f}x" if figure < 10 else f"{figure:.0f}x"


def percent(figure: float) -> str:
    """Return a share."""
    return f"{100 * figure:.0f} %"


def seconds(figure: float) -> str:
    """Return a time."""
    return f"{figure:.2f} s" if figure < 10 else f"{figure:.1f} s"


def mebibytes(figure: float) -> str:
    """Return a size that is given in bytes."""
    return f"{figure / MIB:,.0f} MiB"
