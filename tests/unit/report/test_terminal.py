"""What a terminal and a log show."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime

from rich.console import Console

from keelway.errors import GateError, PlanError
from keelway.gating.judge import judge
from keelway.gating.rule import GateSpec
from keelway.model.events import (
    EngineChosen,
    Event,
    ItemEnded,
    ItemStarted,
    Note,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)
from keelway.model.outcome import Skipped, Status
from keelway.model.progress_form import ProgressForm
from keelway.report.live_region import SHOWN_STEPS, LiveRegion
from keelway.report.terminal import open_terminal
from tests.support.built import findings

NOW = datetime(2026, 1, 31, tzinfo=UTC)
RUN: tuple[Event, ...] = (
    EngineChosen(name="local", reason="it was asked for", version="v1"),
    StageStarted(stage="build", at=NOW),
    StepStarted(step="1", name="[amd64] RUN make"),
    StepOutput(step="1", stream="stdout", text="gcc main.c"),
    StepEnded(step="1", cached=False, seconds=2.5),
    StepStarted(step="2", name="pull app"),
    StepEnded(step="2", cached=True, seconds=0),
    Note(stage="build", text="a note with [brackets]"),
    StageEnded(stage="build", at=NOW, seconds=3.21, status=Status.OK),
    StageSkipped(stage="scan", reason="scan.enabled is false", at=NOW),
    StepOutput(step=None, stream="engine", text="low disk"),
)


def shown(*events: Event, terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, _environ={"TERM": "xterm"})
    with open_terminal(console, ProgressForm.AUTO) as observer:
        for event in events:
            observer.on(event)
    return out.getvalue()


def test_a_log_has_plain_lines() -> None:
    assert shown(*RUN).splitlines() == [
        "engine  local v1: it was asked for",
        "build   started",
        "    2.5 s  [amd64] RUN make",
        "build   a note with [brackets]",
        "build   done (3.2 s)",
        "scan    skipped: scan.enabled is false",
        "  engine: low disk",
    ]


def test_a_step_that_failed_is_told_in_one_line() -> None:
    started = StepStarted(step="1", name="RUN make")
    failed = StepEnded(step="1", cached=False, seconds=0, error="exit code: 2\nmore")
    assert shown(started, failed) == "  failed  RUN make: exit code: 2\n"


def test_endings_have_their_own_words() -> None:
    verdict = judge(GateSpec(), Skipped("no policy"), findings(), today=date(2026, 3, 1))

    def ended(status: Status, error: Exception | None = None) -> str:
        event = StageEnded(stage="gate", at=NOW, seconds=1, status=status, error=error)
        return shown(event).strip()

    assert ended(Status.FAILED, PlanError("no")) == "gate    failed (1.0 s)"
    assert ended(Status.FAILED, GateError("no", verdict=verdict)) == "gate    refused (1.0 s)"
    assert ended(Status.CANCELLED) == "gate    stopped (1.0 s)"


def test_a_terminal_keeps_the_stages_and_clears_the_rest() -> None:
    text = shown(*RUN, terminal=True)
    lines = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).strip() for line in text.splitlines()]
    assert "build   done (3.2 s)" in lines
    assert "scan    skipped: scan.enabled is false" in lines
    assert not [line for line in lines if "RUN make" in line], "steps live in the region only"


def test_the_region_shows_what_is_at_work() -> None:
    region = LiveRegion()
    region.on(StageStarted(stage="build", at=NOW))
    for number in range(SHOWN_STEPS + 2):
        region.on(StepStarted(step=str(number), name=f"step {number} {'x' * 200}"))
    region.on(StepStarted(step="done", name="gone"))
    region.on(StepEnded(step="done", cached=True, seconds=0))
    console = Console(file=io.StringIO(), width=60, record=True)
    console.print(region)
    lines = console.export_text().splitlines()
    assert lines[0].startswith("build 0 s")
    assert lines[0].endswith("0 steps run, 1 cached")
    assert len(lines) == 1 + SHOWN_STEPS + 1
    assert lines[-1].strip() == "and 2 more"
    assert all(len(line) <= 60 for line in lines)


def test_the_region_is_empty_when_nothing_is_at_work() -> None:
    console = Console(file=io.StringIO(), record=True)
    console.print(LiveRegion())
    assert console.export_text().strip() == ""


def region_of(*events: Event, height: int = 25) -> list[str]:
    """Return what the region draws on a terminal of so many rows."""
    region = LiveRegion()
    for event in events:
        region.on(event)
    console = Console(file=io.StringIO(), width=60, height=height, record=True)
    console.print(region)
    return [
        re.sub(r"[\d.]+ s", "0 s", line.rstrip()) for line in console.export_text().splitlines()
    ]


def test_the_region_shows_the_last_output_of_a_step() -> None:
    lines = region_of(
        StageStarted(stage="build", at=NOW),
        StepStarted(step="1", name="RUN make"),
        StepOutput(step="1", stream="stdout", text="one\ntwo\nthree\n"),
        StepOutput(step="1", stream="stderr", text="\x1b[31m10%\r99%\x1b[0m\n"),
        StepStarted(step="2", name="RUN false"),
        StepEnded(step="2", cached=False, seconds=0, error="exit code: 1"),
    )
    assert lines == [
        "build 0 s   0 steps run, 0 cached, 1 failed",
        "    0 s  RUN make",
        "           │ two",
        "           │ three",
        "           │ 99%",
    ]


def test_the_region_fits_a_low_terminal() -> None:
    steps = [StepStarted(step=str(number), name=f"step {number}") for number in range(6)]
    written = [StepOutput(step=str(n), stream="stdout", text="a\nb\n") for n in range(6)]
    lines = region_of(StageStarted(stage="build", at=NOW), *steps, *written, height=6)
    assert len(lines) == 5
    assert lines[-1] == "  and 3 more"


def test_json_lines_for_programs() -> None:
    out = io.StringIO()
    with open_terminal(Console(file=out), ProgressForm.JSON) as observer:
        for event in RUN:
            observer.on(event)
        failed = PlanError("no login at https://user:secret@example.org")
        observer.on(StageEnded(stage="scan", at=NOW, seconds=1, status=Status.FAILED, error=failed))
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["event"] for one in told] == [
        *("engine", "stage_start", "start", "log", "end", "start", "end", "note", "stage_end"),
        *("stage_skip", "note", "stage_end"),
    ]
    assert told[2] == {"event": "start", "id": "1", "name": "[amd64] RUN make"}
    assert told[4] == {"event": "end", "id": "1", "cached": False, "seconds": 2.5, "error": None}
    assert told[10] == {"event": "note", "stage": None, "text": "low disk"}
    assert told[8]["at"] == "2026-01-31T00:00:00+00:00"
    assert told[11]["error"] == "no login at https://***@example.org"


def test_items_are_lines_for_programs_and_for_logs() -> None:
    item = "orders (linux/arm64)"
    begun = ItemStarted(stage="build", item=item)
    ended = ItemEnded(stage="build", item=item, seconds=4.125, status=Status.FAILED)
    assert shown(begun, ended) == f"    4.1 s  build: {item} failed\n"
    out = io.StringIO()
    with open_terminal(Console(file=out), ProgressForm.JSON) as observer:
        observer.on(begun)
        observer.on(ended)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"event": "item_start", "stage": "build", "item": item},
        {"event": "item_end", "stage": "build", "item": item, "seconds": 4.125, "status": "failed"},
    ]


def test_nothing_where_nothing_is_wanted() -> None:
    out = io.StringIO()
    with open_terminal(Console(file=out), ProgressForm.NONE) as observer:
        for event in RUN:
            observer.on(event)
    assert out.getvalue() == ""


def test_plain_lines_on_a_terminal_that_could_do_more() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    with open_terminal(console, ProgressForm.PLAIN) as observer:
        observer.on(StageStarted(stage="build", at=NOW))
    assert "started" in out.getvalue()
    assert "\x1b[?25l" not in out.getvalue()


def test_a_failed_step_is_named_once() -> None:
    console = Console(file=io.StringIO(), record=True, width=200)
    name = "Dockerfile:2: COPY missing /b"
    with open_terminal(console, ProgressForm.AUTO) as observer:
        observer.on(StepStarted(step="1", name=name))
        observer.on(StepEnded(step="1", cached=False, seconds=0, error=f"{name}: not found\nx"))
    assert console.export_text() == f"  failed  {name}: not found\n"
