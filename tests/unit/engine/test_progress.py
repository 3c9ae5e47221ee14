"""How the engine tells of its work."""

from __future__ import annotations

import io
import json
import re
import threading

import pytest

from keelway.engine.progress import Progress


def told(form: str) -> str:
    out = io.StringIO()
    progress = Progress.on(out, form)
    first = progress.start("exec make")
    second = progress.start("copy")
    progress.log(first, "stdout", b"one\ntw")
    progress.log(first, "stderr", b"warn")
    progress.log(first, "stdout", b"o\n")
    progress.end(first, cached=False, error=None)
    progress.end(second, cached=False, error="no space")
    progress.end(second, cached=False, error=None)
    progress.cached("pull alpine")
    return out.getvalue()


def test_lines_for_people() -> None:
    assert re.sub(r"[\d.]+s", "0s", told("plain")).splitlines() == [
        "#1 exec make",
        "#2 copy",
        "#1 one",
        "#1 two",
        "#1 warn",
        "#1 DONE 0s",
        "#2 ERROR 0s: no space",
        "#3 pull alpine",
        "#3 CACHED",
    ]


def test_lines_for_programs() -> None:
    events = [json.loads(line) for line in told("json").splitlines()]
    assert [event["event"] for event in events] == [
        *("start", "start", "log", "log", "log", "end", "end", "start", "end"),
    ]
    assert events[0].keys() == {"event", "id", "name", "at"}
    assert events[2] == {"event": "log", "id": "1", "stream": "stdout", "text": "one\ntw"}
    assert events[6].keys() == {"event", "id", "cached", "seconds", "error"}
    assert events[6]["error"] == "no space"
    assert events[8]["cached"] is True


def test_silence() -> None:
    assert told("none") == ""


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of auto, plain, tty, json, none"):
        Progress.on(io.StringIO(), "loud")


def test_a_reader_that_left_is_no_error() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise BrokenPipeError

    progress = Progress.on(Closed(), "plain")
    progress.end(progress.start("a"), cached=False, error=None)


def test_lines_of_threads_stay_whole() -> None:
    out = io.StringIO()
    progress = Progress.on(out, "json")

    def work() -> None:
        for _ in range(50):
            step = progress.start("step")
            progress.log(step, "stdout", b"x" * 200)
            progress.end(step, cached=False, error=None)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len({event["id"] for event in events}) == 400
    assert len(events) == 1200


def test_what_happens_while_it_is_held_is_told_afterwards() -> None:
    out = io.StringIO()
    progress = Progress.on(out, "plain")
    with progress.held():
        with progress.held():
            step = progress.start("a")
        progress.log(step, "stdout", b"said\n")
        assert not out.getvalue()
    assert out.getvalue() == "#1 a\n#1 said\n"
    progress.end(step, cached=True, error=None)
    assert out.getvalue().endswith("#1 CACHED\n")
