"""How figures, times and absent parts are shown; shared by the sections of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.report.page.markup import Content, Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from keelway.report.document import ReportDocument

_MINUTE = 60
_SCALE = 1000
"""The width of a bar in its own units: bars stretch to the width that they are given."""


def section(name: str, title: str, *content: Content | Iterable[Content]) -> Html:
    """Return a section of the page with its heading."""
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *content, id=name, aria_labelledby=f"{name}-title")


def fold(summary: Content, *content: Content | Iterable[Content], is_open: bool = False) -> Html:
    """Return something that opens on a click; open from the start where it matters."""
    return tag("details", tag("summary", summary), *content, open=is_open)


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Iterable[Content]],
    *,
    cls: str | None = None,
) -> Html:
    """Return a table: the first cell of a row is its heading, on a phone each row is a card."""
    body = [
        tag(
            "tr",
            [
                tag("th" if not at else "td", cell, scope=None if at else "row", data_label=name)
                for at, (name, cell) in enumerate(zip(columns, row, strict=True))
            ],
        )
        for row in rows
    ]
    head = tag("thead", tag("tr", [tag("th", name, scope="col") for name in columns]))
    words = " ".join(filter(None, ("cards", cls)))
    return tag("table", tag("caption", caption), head, tag("tbody", body), cls=words)


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Return a list of names and values; what has no value is left out."""
    return tag(
        "dl",
        [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value],
        cls="facts",
    )


def bar(begin: float, end: float, kind: str) -> Html:
    """Return a bar from one share of its width to another, both 0 to 1.

    What it shows stands beside it in words too, so it is not read aloud.
    """
    left = round(min(max(begin, 0.0), 1.0) * _SCALE)
    right = round(min(max(end, begin), 1.0) * _SCALE)
    shape = tag("rect", x=left, y=0, width=max(right - left, 4), height=10, cls=f"bar {kind}")
    return tag(
        "svg",
        shape,
        viewBox=f"0 0 {_SCALE} 10",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )


def mark(text: str, kind: str) -> Html:
    """Return a word that stands out: `ok`, `bad`, `warn`, `muted`, or a severity."""
    return tag("span", text, cls=f"mark {kind}")


def seconds(value: float | None) -> str:
    """Return a time as people read it.

    >>> seconds(0.04), seconds(75.2)
    ('0.04 s', '1 min 15 s')
    """
    if value is None:
        return "not ended"
    if value >= _MINUTE:
        return f"{int(value // _MINUTE)} min {int(value % _MINUTE)} s"
    return f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"


def moment(when: datetime) -> Html:
    """Return a time: for people to the second, for programs as it is."""
    return tag("time", when.strftime("%Y-%m-%d %H:%M:%S UTC"), datetime=when.isoformat())


def plural(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> plural(1, "finding"), plural(2, "suite")
    ('1 finding', '2 suites')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def absent(report: ReportDocument, stage: str, nothing: str) -> Html:
    """Return why there is nothing to show of a stage.

    Args:
        report: The run.
        stage: The stage that would have brought it.
        nothing: What is not there, as the beginning of a sentence: `No packages are listed`.
    """
    found = next((one for one in report.stages if one.name == stage), None)
    if found is None:
        why = "the run ended before it" if report.error is not None else "it was not asked for"
    elif found.status == "skipped":
        why = found.reason or "it was skipped"
    else:
        why = found.error or "it did not come to its end"
    return tag("p", join(f"{nothing}: ", why, "."), cls="absent")


def notes(title: str, lines: Sequence[str]) -> Html | None:
    """Return a folded list of remarks; nothing where there are none."""
    if not lines:
        return None
    return fold(f"{title} ({len(lines)})", tag("ul", [tag("li", line) for line in lines]))


def output(title: str, text: str) -> Html | None:
    """Return some lines that a program wrote; nothing where it wrote none."""
    if not text.strip():
        return None
    return tag("figure", tag("figcaption", title), tag("pre", text, tabindex=0), cls="output")
