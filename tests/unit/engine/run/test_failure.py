"""What a runtime says, told from what a command says. The texts are crun's and runc's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run.failure import Opening, exit_code, logged_error, misplaced_output

if TYPE_CHECKING:
    from pathlib import Path


def logged(path: Path, *messages: str, level: str = "error") -> Path:
    lines = [json.dumps({"msg": message, "level": level}) for message in messages]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("executable file `x` not found in $PATH: No such file or directory", 127),
        ("open executable: Permission denied", 126),
        ("open executable: Operation not permitted", 126),
        ('runc run failed: unable to start: exec: "x": executable file not found in $PATH', 127),
        ('runc run failed: unable to start: exec: "/x": stat /x: no such file or directory', 127),
        ('runc run failed: unable to start: exec: "/x": permission denied', 126),
    ],
)
def test_before_the_start(tmp_path: Path, message: str, code: int) -> None:
    said: list[bytes] = []
    opening = Opening(said.append)
    opening.feed(f"{message}: No such file or directory\n".encode())
    assert exit_code(1, "x", logged(tmp_path / "log", message), opening) == code
    assert len(said) == 1
    assert said[0].startswith(b"cannot run 'x': ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            '{"msg":"exec container process `/x`: Exec format error","level":"error","time":"t"}',
            126,
        ),
        ('{"msg":"exec container process (missing dynamic library?) `/x`","level":"error"}', 127),
        ("exec /x: exec format error", 126),
        ("exec /x: no such file or directory", 127),
    ],
)
def test_the_last_step(tmp_path: Path, text: str, code: int) -> None:
    said: list[bytes] = []
    opening = Opening(said.append)
    opening.feed(text.encode() + b"\n")
    assert said == []
    assert exit_code(1, "/x", tmp_path / "log", opening) == code
    assert said[0].startswith(b"cannot run '/x': ")


def test_other_failures_are_the_engines(tmp_path: Path) -> None:
    said: list[bytes] = []
    log = logged(tmp_path / "log", "mount `a` to `b`: Invalid argument", "later: noise")
    with pytest.raises(EngineError, match="failed to start 'x': mount `a` to `b`: Invalid"):
        exit_code(1, "x", log, Opening(said.append))


def test_a_command_may_say_anything(tmp_path: Path) -> None:
    said: list[bytes] = []
    opening = Opening(said.append)
    opening.feed(b"cat: /x: No such file or directory\n")
    assert exit_code(1, "x", tmp_path / "log", opening) == 1
    assert said == [b"cat: /x: No such file or directory\n"]


def test_what_is_held_comes_first(tmp_path: Path) -> None:
    said: list[bytes] = []
    opening = Opening(said.append)
    opening.feed(b"a: No such file or directory\n")
    assert said == []
    opening.feed(b"more\n")
    opening.feed(b"b: No such file or directory\n")
    expected = [b"a: No such file or directory\n", b"more\n", b"b: No such file or directory\n"]
    assert said == expected
    assert exit_code(3, "x", tmp_path / "log", opening) == 3
    assert said == expected


def test_warnings_are_no_failures_and_signals_count_from_128(tmp_path: Path) -> None:
    log = logged(tmp_path / "log", "cgroups are odd", level="warning")
    assert logged_error(log) is None
    assert exit_code(1, "x", log, Opening(print)) == 1
    assert exit_code(-9, "x", log, Opening(print)) == 137
    assert logged_error(tmp_path / "none") is None


def test_output_that_the_runtime_put_into_its_log_is_told_from_its_own_words(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    warning = b'{"msg":"cannot set up cgroups","level":"warning","time":"2026-01-31T12:00:00Z"}\n'
    log.write_bytes(warning + b'/src\r\n{"found": 1}\r\n\n')
    assert misplaced_output(log) == b'/src\r\n{"found": 1}\r\n'
    log.write_bytes(warning)
    assert misplaced_output(log) == b""
    assert misplaced_output(tmp_path / "none") == b""
