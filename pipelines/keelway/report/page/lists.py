"""Long tables that can be searched, filtered and sorted; without a script they are just tables.

The script finds them by `data-list`; a filter is a `select` whose `data-filter` names the data of a
row that it looks at, where several values stand one after the other with `|` between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.report.page.markup import Content, Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_ROWS = 5000
"""So many rows are on the page; the rest is counted and in `report.json`."""

SEPARATOR = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row."""

    cells: tuple[Content, ...]
    data: Mapping[str, Sequence[str]]
    """What filters look at, by the name of the filter."""
    keys: Mapping[int, int | str]
    """What cells are sorted by, where that is not their text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A long table."""

    name: str
    caption: str
    columns: tuple[str, ...]
    filters: Mapping[str, str]
    """What each filter is called, by its name in the rows' data."""
    rows: tuple[Row, ...]


def listing(listed: Listed) -> Html:
    """Return the table with its controls, which show once the script works."""
    shown = listed.rows[:MOST_ROWS]
    left_out = len(listed.rows) - len(shown)
    cut = f"{left_out:,} more rows are left out of this page; report.json has them all."
    head = tag("thead", tag("tr", [tag("th", name, scope="col") for name in listed.columns]))
    return join(
        _controls(listed),
        tag("p", cut, cls="cut") if left_out else None,
        tag(
            "table",
            tag("caption", listed.caption),
            head,
            tag("tbody", [_row(listed.columns, row) for row in shown]),
            cls=f"cards list {listed.name}",
            data_list=True,
            id=f"{listed.name}-list",
        ),
    )


def _row(columns: Sequence[str], row: Row) -> Html:
    cells = [
        tag(
            "th" if not at else "td",
            cell,
            scope=None if at else "row",
            data_label=name,
            data_key=row.keys.get(at),
        )
        for at, (name, cell) in enumerate(zip(columns, row.cells, strict=True))
    ]
    data = {f"data_{name}": SEPARATOR.join(values) for name, values in row.data.items()}
    return tag("tr", cells, **data)


def _controls(listed: Listed) -> Html:
    search = tag(
        "label", "Search ", tag("input", type="search", autocomplete="off", spellcheck="false")
    )
    selects = [
        tag("label", f"{title} ", tag("select", options, data_filter=name))
        for name, title in listed.filters.items()
        if (options := _options(listed.rows, name))
    ]
    return tag(
        "form",
        search,
        selects,
        tag("button", "Clear", type="reset"),
        tag("output", "", aria_live="polite"),
        cls="controls",
        data_for=f"{listed.name}-list",
        hidden=True,
    )


def _options(rows: Iterable[Row], name: str) -> list[Html]:
    """Return the values to choose from, in the order in which they first stand; none for one."""
    values = list(dict.fromkeys(value for row in rows for value in row.data.get(name, ())))
    if len(values) < 2:  # noqa: PLR2004 - there is nothing to choose
        return []
    everything = tag("option", "all", value="")
    return [everything, *(tag("option", value, value=value) for value in values)]
