"""The live view on a real pseudo-terminal, read from the rendered screen."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from keelway.model.events import (
    EngineChosen,
    ItemEnded,
    ItemStarted,
    StageEnded,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)
from keelway.model.outcome import Status
from keelway.model.progress_form import ProgressForm
from keelway.report.terminal import open_terminal
from tests.support.terminal import Terminal, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.events import Observer

# A size that the environment names would count more than that of the terminal.
WITHOUT_SIZE = {name: it for name, it in os.environ.items() if name not in {"COLUMNS", "LINES"}}
NOW = datetime(2026, 1, 31, tzinfo=UTC)


@contextmanager
def live(screen: Terminal, **environment: str) -> Iterator[Observer]:
    """Show a run on the terminal until the block ends."""
    with screen.file() as out:
        able = {"TERM": "xterm-256color", **environment}
        console = Console(file=out, _environ=able)
        with open_terminal(console, ProgressForm.AUTO) as observer:
            yield observer


def begin(observer: Observer) -> None:
    """Two stages at work on two platforms."""
    observer.on(EngineChosen(name="local", reason="it is installed", version="v1"))
    for stage in ("scan", "sbom"):
        observer.on(StageStarted(stage=stage, at=NOW))
        for platform in ("linux/amd64", "linux/arm64"):
            observer.on(ItemStarted(stage=stage, item=f"orders ({platform})"))
    done = ItemEnded(stage="sbom", item="orders (linux/amd64)", seconds=2, status=Status.OK)
    observer.on(done)
    observer.on(StepStarted(step="1", name="exec trivy image --input /input/image.tar"))
    observer.on(StepOutput(step="1", stream="stderr", text="reading layers\n"))


def end(observer: Observer) -> None:
    observer.on(StepEnded(step="1", cached=False, seconds=1))
    for stage in ("scan", "sbom"):
        observer.on(StageEnded(stage=stage, at=NOW, seconds=3, status=Status.OK))


def test_all_stages_and_platforms_are_seen_at_once() -> None:
    with terminal(100, 24) as screen:
        with live(screen) as observer:
            begin(observer)
            rows = screen.wait_for("reading layers")
            assert rows[0] == "engine  local v1: it is installed"
            assert rows[1].startswith("scan ")
            assert " · sbom " in rows[1]
            assert rows[2].split()[:3] == ["scan", "orders", "(linux/amd64)"]
            assert "· orders (linux/arm64) " in rows[2]
            assert rows[3].split()[:3] == ["sbom", "orders", "(linux/arm64)"]
            assert rows[3].endswith("· 1 done")
            assert "exec trivy image" in rows[4]
            end(observer)
        assert screen.settle() == [
            "engine  local v1: it is installed",
            "scan    done (3.0 s)",
            "sbom    done (3.0 s)",
        ]


@pytest.mark.parametrize(("columns", "rows"), [(30, 24), (20, 6), (12, 4)])
def test_small_terminals(columns: int, rows: int) -> None:
    with terminal(columns, rows) as screen:
        with live(screen, COLUMNS=str(columns), LINES=str(rows)) as observer:
            observer.on(StageStarted(stage="scan", at=NOW))
            observer.on(ItemStarted(stage="scan", item="orders (linux/amd64)"))
            for number in range(9):
                observer.on(StepStarted(step=str(number), name=f"step {number} {'x' * 99}"))
            shown = screen.wait(lambda lines: len(lines) >= min(rows - 1, 9))
            assert len(shown) <= rows
            assert shown[0].startswith("scan ")
            observer.on(StageEnded(stage="scan", at=NOW, seconds=3, status=Status.OK))
        assert "".join(screen.settle()).startswith("scan    done")


def test_no_colour_where_none_is_wanted() -> None:
    for environment, coloured in (({"NO_COLOR": "1"}, False), ({}, True)):
        with terminal() as screen:
            with live(screen, **environment) as observer:
                begin(observer)
                screen.wait_for("reading layers")
                assert (screen.colours() != {"default"}) is coloured
                end(observer)
            screen.settle()


PROGRAM = """
import sys
from rich.console import Console
from tests.unit.report.test_live import begin, end
from keelway.model.progress_form import ProgressForm
from keelway.report.terminal import open_terminal
with open_terminal(Console(stderr=True), ProgressForm.AUTO) as observer:
    begin(observer)
    sys.stdin.readline()
    end(observer)
"""


def test_a_window_that_gets_narrower_or_wider() -> None:
    with terminal(100, 24) as screen:
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stderr=screen.slave,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parents[3],
            env={**WITHOUT_SIZE, "TERM": "xterm-256color"},
        ) as program:
            screen.wait_for("/input/image.tar")
            screen.resize(40, 24)
            screen.wait(lambda rows: any(row.endswith("…") for row in rows))
            screen.resize(120, 24)
            screen.wait_for("/input/image.tar")
            program.communicate(b"go on\n", timeout=60)
        rows = [row for row in screen.settle() if row]
        assert rows[-2:] == ["scan    done (3.0 s)", "sbom    done (3.0 s)"]


def test_the_cursor_is_given_back() -> None:
    with terminal() as screen:
        with live(screen) as observer:
            begin(observer)
            screen.wait_for("reading layers")
        screen.settle()
        assert screen.raw.rindex(b"\x1b[?25h") > screen.raw.rindex(b"\x1b[?25l")
