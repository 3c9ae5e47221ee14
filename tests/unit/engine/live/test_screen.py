"""The live view on a real pseudo-terminal, read from the rendered screen."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from keelway.engine.progress import Progress, resolved
from tests.support.terminal import Terminal, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABLE = {"TERM": "xterm-256color"}


@contextmanager
def live(screen: Terminal, **environment: str) -> Iterator[Progress]:
    """Show progress on the terminal until the block ends."""
    with screen.file() as out:
        progress = Progress.on(out, "tty", {**ABLE, **environment})
        yield progress
        progress.close()


def test_what_runs_stands_below_what_is_done() -> None:
    with terminal() as screen:
        with live(screen) as progress:
            progress.cached("image sha256:1f3e46cd")
            done = progress.start("copy . to /src")
            progress.end(done, cached=False, error=None)
            running = progress.start("exec make test")
            progress.log(running, "stdout", b"collecting\n12 passed")
            rows = screen.wait_for("12 passed")
            assert rows[0] == "✔ CACHED image sha256:1f3e46cd"
            assert rows[1].startswith("✔ copy . to /src 0.")
            assert "exec make test" in rows[2]
            assert rows[2].endswith("s")
            assert rows[3:5] == ["  │ collecting", "  │ 12 passed"]
            assert rows[5].startswith("1 step done, 1 cached, 1 running, ")
            progress.end(running, cached=False, error=None)
        rows = screen.settle()
        assert [row.rpartition(" ")[0] for row in rows[1:]] == [
            "✔ copy . to /src",
            "✔ exec make test",
            "2 steps done, 1 cached,",
        ]


def test_a_failed_step_leaves_its_last_output_and_its_error() -> None:
    with terminal() as screen:
        with live(screen) as progress:
            step = progress.start("exec make")
            progress.log(step, "stderr", b"main.c:1: error\nmake: *** [all]\n")
            progress.end(step, cached=False, error="exit code: 2")
        rows = screen.settle()
        assert rows[0].startswith("✘ exec make 0.")
        assert rows[1:4] == ["  │ main.c:1: error", "  │ make: *** [all]", "  exit code: 2"]
        assert rows[4].startswith("0 steps done, 0 cached, 1 failed, ")
        assert "red" in screen.colours()


def test_time_goes_on_without_events() -> None:
    with terminal() as screen, live(screen) as progress:
        progress.start("exec sleep")
        first = screen.wait_for("exec sleep")
        screen.wait(lambda rows: rows != first and any("exec sleep" in row for row in rows))


def test_more_steps_than_rows() -> None:
    with terminal(rows=8) as screen:
        with live(screen) as progress:
            steps = [progress.start(f"exec number {number}") for number in range(20)]
            rows = screen.wait_for("20 running")
            assert len(rows) <= 7
            assert "exec number 0" in rows[0]
            assert rows[-2] == "  and 15 more"
            for step in steps:
                progress.end(step, cached=False, error=None)
        screen.settle()
        kept = [row for row in screen.history() if row.startswith("✔ exec number")]
        assert len(kept) == 20


def test_output_gives_way_to_steps() -> None:
    with terminal(rows=6) as screen, live(screen) as progress:
        for number in range(4):
            step = progress.start(f"exec {number}")
            progress.log(step, "stdout", b"one\ntwo\nthree\n")
        rows = screen.wait_for("4 running")
        assert sum("exec" in row for row in rows) == 4


def test_lines_are_cut_not_wrapped() -> None:
    with terminal(columns=30) as screen:
        with live(screen) as progress:
            step = progress.start("exec " + "word " * 30)
            progress.log(step, "stdout", ("日本語" * 20 + "\n").encode())
            rows = screen.wait_for("日")
            assert len(rows) == 3
            assert "… 0." in rows[0]
            assert rows[1].endswith("…")
            progress.end(step, cached=False, error=None)
        assert len(screen.settle()) == 2


def test_what_programs_do_to_terminals_stays_theirs() -> None:
    with terminal() as screen, live(screen) as progress:
        step = progress.start("exec npm install")
        progress.log(
            step, "stdout", b"\x1b[2J\x1b[H\x1b[31mred\x1b[0m\n10%\r50%\r100%\n\x1b]0;title\x07x"
        )
        rows = screen.wait_for("100%")
        assert rows[1:4] == ["  │ red", "  │ 100%", "  │ x"]
        assert "red" not in screen.colours()


def test_a_window_that_becomes_narrower() -> None:
    with terminal(columns=80) as screen:
        with live(screen) as progress:
            progress.cached("image one")
            step = progress.start("exec " + "long " * 12)
            screen.wait_for("1 running")
            screen.resize(40, 24)
            rows = screen.wait(lambda rows: any("… 0." in row or "… 1." in row for row in rows))
            assert rows[0] == "✔ CACHED image one"
            assert len(rows) == 3
            progress.end(step, cached=False, error=None)
        rows = screen.settle()
        assert len(rows) == 3
        assert rows[0] == "✔ CACHED image one"


def test_no_line_is_lost_when_the_window_becomes_narrower() -> None:
    with terminal(columns=80, rows=10) as screen:
        with live(screen) as progress:
            running = progress.start("exec make")
            screen.wait_for("1 running")
            screen.resize(60, 10)
            for number in range(30):
                progress.cached(f"image {number}")
            progress.end(running, cached=False, error=None)
        screen.settle()
        kept = [row for row in screen.history() if row.startswith("✔ CACHED image")]
        assert kept == [f"✔ CACHED image {number}" for number in range(30)]


def test_a_window_that_becomes_lower() -> None:
    with terminal(rows=20) as screen:
        with live(screen) as progress:
            steps = [progress.start(f"exec {number}") for number in range(12)]
            screen.wait_for("12 running")
            screen.resize(80, 6)
            rows = screen.wait_for("and 9 more")
            assert len(rows) == 5
            for step in steps:
                progress.end(step, cached=False, error=None)
        assert "12 steps done" in screen.settle()[-1]


def test_nothing_is_cleared_that_is_drawn_again() -> None:
    """Flicker is a screen that is empty for a moment: no picture begins by clearing."""
    with terminal() as screen:
        with live(screen) as progress:
            step = progress.start("exec make")
            for number in range(3):
                progress.log(step, "stdout", f"line {number}\n".encode())
                screen.wait_for(f"line {number}")
            progress.end(step, cached=False, error=None)
        screen.settle()
        assert b"\x1b[2J" not in screen.raw
        assert b"\x1b[H" not in screen.raw
        assert b"\x1b[?25l" not in screen.raw  # a hidden cursor would outlive a killed engine


def test_no_colour_where_none_is_wanted() -> None:
    with terminal() as screen:
        with live(screen, NO_COLOR="1") as progress:
            progress.cached("image one")
            step = progress.start("exec false")
            progress.end(step, cached=False, error="exit code: 1")
        screen.settle()
        assert screen.colours() == {"default"}


def test_what_others_write_stands_above_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys  # noqa: PLC0415 - what is patched

    with terminal() as screen:
        with screen.file() as out:
            monkeypatch.setattr(sys, "stderr", out)
            progress = Progress.on(out, "tty", ABLE)
            progress.guard_stderr()
            step = progress.start("exec make")
            screen.wait_for("1 running")
            sys.stderr.write("a warning\nof two lines\n")
            rows = screen.wait_for("two lines")
            assert rows[:2] == ["a warning", "of two lines"]
            assert "exec make" in rows[2]
            progress.end(step, cached=False, error=None)
            progress.close()
            assert sys.stderr is out
        screen.settle()


@pytest.mark.parametrize(
    ("form", "environment", "expected"),
    [
        ("auto", ABLE, "tty"),
        ("tty", ABLE, "tty"),
        ("plain", ABLE, "plain"),
        ("tty", {"TERM": "dumb"}, "plain"),
        ("tty", {}, "plain"),
        ("auto", {**ABLE, "CI": "true"}, "plain"),
        ("tty", {**ABLE, "CI": "true"}, "tty"),
        ("json", {}, "json"),
    ],
)
def test_the_form_that_fits(form: str, environment: dict[str, str], expected: str) -> None:
    with terminal() as screen, screen.file() as out:
        assert resolved(form, out, environment) == expected


def test_a_pipe_gets_lines(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as out:
        Progress.on(out, "tty", ABLE).cached("image one")
        out.seek(0)
        assert out.read() == "#1 image one\n#1 CACHED\n"
