"""A page about a load test, for people and for a CI's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.errors import redact
from keelway.model.load import shown_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.load import LoadMeasure, LoadReport

LOAD_MARKDOWN_FILE = "load.md"


def load_markdown(report: LoadReport) -> str:
    """Return a page of Markdown: the figures beside those of the last release, then thresholds."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: LoadReport) -> Iterator[str]:
    yield from (f"# Load test: {'passed' if report.passed else 'failed'}", "")
    yield from (redact(f"`{report.script}` against {report.target}{report.reused_text}"), "")
    figures = _figures(report.measure)
    if report.released is None:
        yield from ("| figure | now |", "| --- | --- |")
        yield from (f"| {name} | {value} |" for name, value in figures.items())
    else:
        before = _figures(report.released)
        yield from ("| figure | now | last release |", "| --- | --- | --- |")
        yield from (f"| {name} | {value} | {before[name]} |" for name, value in figures.items())
    if report.thresholds or report.regressions:
        yield from ("", "| threshold | |", "| --- | --- |")
        for threshold in report.thresholds:
            yield f"| `{_cell(threshold.text)}` | {_held(crossed=threshold.crossed)} |"
        for one in report.regressions:
            yield f"| {_cell(one.text)} | {_held(crossed=one.crossed)} |"
    if report.marked:
        yield from ("", "The script itself called the test failed.")
    if report.notes:
        yield from ("", *(f"- {redact(note)}" for note in report.notes))


def _figures(measure: LoadMeasure) -> dict[str, str]:
    return {
        "requests": str(measure.requests),
        "failed": f"{measure.error_rate:.2%}",
        "requests a second": f"{measure.throughput:.1f}",
        "median": shown_ms(measure.p50_ms),
        "90th percentile": shown_ms(measure.p90_ms),
        "95th percentile": shown_ms(measure.p95_ms),
        "99th percentile": shown_ms(measure.p99_ms),
        "longest": shown_ms(measure.max_ms),
        "checks": f"{measure.checks_passed} passed, {measure.checks_failed} failed",
    }


def _held(*, crossed: bool) -> str:
    return "**crossed**" if crossed else "held"


def _cell(text: str) -> str:
    return redact(text).replace("|", "\\|")
