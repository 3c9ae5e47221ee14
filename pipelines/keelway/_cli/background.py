"""A process of its own for a project that runs on when its command has ended."""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import typer

from keelway._cli import output
from keelway._cli.failing import exit_codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.develop.state import StateFolder

    Work = Callable[[Callable[[], None]], None]

_LOOK_S = 0.1
_READY = b"ready"


def detach(folder: StateFolder, work: Work) -> None:
    """Return once the work, in a process of its own, says that it is ready.

    What that process has to say is shown until then. It has no terminal, and reads nothing; it is
    a fork, for this process has one thread and has opened nothing that both would use.

    Args:
        folder: What the process says is written there too.
        work: What it does. Its argument is called when it is ready.

    Raises:
        Exit: With the code of the process, which ended before it was ready.
    """
    folder.output.touch(mode=0o600)
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _be_background(folder.output, writing, work)
    os.close(writing)
    try:
        code = _wait_ready(pid, reading, folder.output)
    finally:
        os.close(reading)
    if code is not None:
        raise typer.Exit(code)


def _be_background(file: Path, writing: int, work: Work) -> NoReturn:
    """Do the work in this process, which is a new one, and end it."""
    code = 1
    try:
        os.setsid()
        _redirect(file)

        def ready() -> None:
            with suppress(OSError):  # whoever waited has gone
                os.write(writing, _READY)
            os.close(writing)

        with exit_codes():
            work(ready)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        # Not by the way of the command that was forked: that one ends for itself.
        os._exit(code)


def _redirect(file: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(file, os.O_WRONLY | os.O_APPEND)
    for source, target in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(said)


def _wait_ready(pid: int, reading: int, file: Path) -> int | None:
    """Return the code of a process that ended before it was ready; nothing when it is ready."""
    with file.open(encoding="utf-8", errors="replace") as said:
        while True:
            try:
                heard, _, _ = select.select([reading], [], [], _LOOK_S)
                _show(said.read())
                if not heard:
                    continue
                if os.read(reading, len(_READY)):
                    _show(said.read())
                    return None
                _, status = os.waitpid(pid, 0)
            except KeyboardInterrupt:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                continue
            _show(said.read())
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _show(text: str) -> None:
    if text:
        output.raw_notice(text)
