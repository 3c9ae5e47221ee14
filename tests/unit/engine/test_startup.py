"""What clients hear of an engine that does not come up."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from keelway.engine.startup import Startup

if TYPE_CHECKING:
    import pytest


def in_another_process(text: str, *, startup: Startup | None = None) -> None:
    pid = os.fork()
    if pid == 0:
        sys.stderr.write(text)
        if startup:
            startup.ready()
        os._exit(0)
    os.waitpid(pid, 0)


def test_what_another_process_said_is_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    startup = Startup()
    in_another_process("keelway-engine: no user namespaces\n")
    sys.stderr.write("and more\n")
    assert startup.failure(1) == "no user namespaces\nand more"
    assert "and more" in capsys.readouterr().err


def test_silence_has_a_reason_too() -> None:
    assert Startup().failure(137) == "the engine ended with code 137 before it was ready"


def test_one_that_was_ready_has_not_failed() -> None:
    startup = Startup(quiet=True)
    in_another_process("a warning\n", startup=startup)
    assert startup.failure(1) is None


def test_a_flood_does_not_block() -> None:
    startup = Startup(quiet=True)
    for _ in range(100):
        sys.stderr.write("x" * 10_000)
    assert "xxx" in (startup.failure(1) or "")
