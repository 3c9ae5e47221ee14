"""The load test: its figures beside those of the last release, and the thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.load import shown_ms
from keelway.model.reuse import reused_text
from keelway.report.page.markup import Html, file_link, join, tag
from keelway.report.page.shown import absent, mark, notes, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.report.document import ReportDocument
    from keelway.report.load_part import LoadMeasurePart, LoadPart

_TIMES = {
    "Median": "p50_ms",
    "90th percentile": "p90_ms",
    "95th percentile": "p95_ms",
    "99th percentile": "p99_ms",
    "Longest": "max_ms",
}


def load(report: ReportDocument) -> Html:
    """Return how the services answered under load."""
    found = report.load
    if found is None:
        return section("load", "Load", absent(report, "load", "Nothing was put under load"))
    held = [(f"{one.metric}: {one.expression}", one.crossed) for one in found.thresholds]
    held += [(one.text, one.crossed) for one in found.regressions]
    reused = reused_text(found.ran_at, reused=found.reused)
    marked = tag("p", mark("failed", "bad"), " The script itself called the test failed.")
    return section(
        "load",
        "Load",
        tag("p", tag("code", found.script), f" against {found.target}{reused}"),
        _figures(found),
        table(
            "Thresholds",
            ("Threshold", "Outcome"),
            [
                (text, mark("crossed", "bad") if crossed else mark("held", "ok"))
                for text, crossed in held
            ],
        )
        if held
        else None,
        marked if found.marked else None,
        tag("p", "Full figures: ", file_link(found.summary), ", log: ", file_link(found.log)),
        notes("Notes", found.notes),
    )


def _figures(found: LoadPart) -> Html:
    now, before = dict(_shown(found.measure)), None
    if found.released is not None:
        before = dict(_shown(found.released))
    changes = dict(_changes(found.measure, found.released))
    if before is None:
        title = "Figures; no earlier release left any"
        return table(title, ("Figure", "Now"), now.items())
    return table(
        "Figures beside those of the last release",
        ("Figure", "Now", "Last release", "Change"),
        [(name, value, before[name], changes.get(name, "")) for name, value in now.items()],
    )


def _shown(measure: LoadMeasurePart) -> Iterator[tuple[str, str]]:
    yield "Requests", f"{measure.requests:,}"
    yield "Requests a second", f"{measure.throughput:.1f}"
    yield "Failed", f"{measure.error_rate:.2%}"
    for name, key in _TIMES.items():
        yield name, shown_ms(getattr(measure, key))
    yield "Checks", f"{measure.checks_passed:,} passed, {measure.checks_failed:,} failed"


def _changes(
    now: LoadMeasurePart, before: LoadMeasurePart | None
) -> Iterator[tuple[str, Html | str]]:
    """Yield by how much each figure is another one, in words, for not all read colours."""
    if before is None:
        return
    yield "Requests a second", _change(now.throughput, before.throughput, more="better")
    for name, key in _TIMES.items():
        yield name, _change(getattr(now, key), getattr(before, key), more="worse")


def _change(now: float, before: float, *, more: str) -> Html | str:
    if not before:
        return ""
    share = now / before - 1
    if abs(share) < 0.005:  # noqa: PLR2004 - half a percent is the same
        return "same"
    less = {"better": "worse", "worse": "better"}[more]
    word = more if share > 0 else less
    return join(f"{share:+.0%} ", mark(word, "ok" if word == "better" else "warn"))
