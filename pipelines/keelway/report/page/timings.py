"""When stages and the engine's steps worked, as a waterfall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.report.page.markup import Html, join, tag
from keelway.report.page.shown import bar, fold, mark, seconds, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.report.document import ReportDocument, StagePart
    from keelway.report.timing_part import TimedStepPart, TimingsPart

_MARKS = {"ok": "ok", "skipped": "muted", "failed": "bad", "cancelled": "warn"}


def timings(report: ReportDocument) -> Html:
    """Return the stages in the order in which they began, and below them the engine's steps."""
    total = max(report.seconds, 0.001)
    counts = report.steps
    steps = counts.run + counts.cached + counts.failed
    share = f" ({100 * counts.cached // steps} %)" if steps else ""
    told = tag(
        "p",
        f"{counts.run:,} of the engine's steps ran, {counts.cached:,} were cached{share}",
        f", {counts.failed:,} failed." if counts.failed else ".",
    )
    return section(
        "timings",
        "Timings",
        told,
        table(
            "Stages",
            ("Stage", "Outcome", "Took", "When"),
            [row for stage in report.stages for row in _rows(report, stage, total)],
            cls="waterfall stages",
        )
        if report.stages
        else tag("p", "No stage began.", cls="absent"),
        None if report.timings is None else _steps(report.timings, total),
    )


def _rows(
    report: ReportDocument, stage: StagePart, total: float
) -> Iterator[tuple[str | Html, ...]]:
    """Yield a stage, and below it what it worked on side by side."""
    yield _stage(report, stage, total)
    for item in sorted(stage.items, key=lambda item: item.began_s):
        kind = _MARKS[item.status]
        yield (
            tag("span", item.name, cls="item"),
            mark("done" if item.status == "ok" else item.status, kind),
            seconds(item.seconds),
            bar(item.began_s / total, (item.began_s + item.seconds) / total, f"{kind} item"),
        )


def _stage(report: ReportDocument, stage: StagePart, total: float) -> tuple[str | Html, ...]:
    began = (stage.started_at - report.started_at).total_seconds()
    took = stage.seconds if stage.seconds is not None else max(total - began, 0)
    kind = _MARKS[stage.status]
    outcome = mark("done" if stage.status == "ok" else stage.status, kind)
    why = stage.reason or stage.error
    return (
        stage.name,
        join(outcome, tag("span", why, cls="title") if why else None),
        "" if stage.status == "skipped" else seconds(stage.seconds),
        "" if stage.status == "skipped" else bar(began / total, (began + took) / total, kind),
    )


def _steps(timed: TimingsPart, total: float) -> Html | None:
    if not timed.steps:
        return None
    cut = f"{timed.left_out:,} shorter ones are left out." if timed.left_out else ""
    return fold(
        f"The engine's steps ({len(timed.steps):,})",
        tag("p", cut) if cut else None,
        table(
            "The engine's steps, in the order in which they began",
            ("Step", "Outcome", "Took", "When"),
            [_step(step, total) for step in timed.steps],
            cls="waterfall steps",
        ),
    )


def _step(step: TimedStepPart, total: float) -> tuple[str | Html, ...]:
    word, kind = ("done", "ok")
    if step.cached:
        word, kind = ("cached", "muted")
    elif step.error is not None:
        word, kind = ("failed", "bad")
    reason = tag("span", step.error, cls="title") if step.error else None
    return (
        tag("code", step.name),
        join(mark(word, kind), reason),
        seconds(step.seconds),
        bar(step.began_s / total, (step.began_s + step.seconds) / total, kind),
    )
