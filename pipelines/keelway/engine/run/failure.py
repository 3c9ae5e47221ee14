"""Tells what the runtime said from what the command said, and a missing command from a defect.

A runtime writes its own errors to the log file that it was given, and to the standard error that
it shares with the command as well (before the log, so that file is of no use at that moment). A
failure of the very last step, the exec itself, goes to standard error only. This is the one place
that knows those texts; they were read from crun 1.8 and runc 1.1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126

_RUNTIME_FAILED: Final = 1
_SIGNAL_BASE: Final = 128
_HELD_BYTES: Final = 4096

_MAYBE_RUNTIME: Final = re.compile(
    rb'\{"msg":"exec container process|runc run failed: |exec [^\n]+\n\Z|[^\n]+: [A-Z][^\n:]*\n\Z'
)
"""How the first words of a runtime begin or end: an exec failure, or any error with its errno."""

_EXEC_STEP: Final = re.compile(
    r'\{"msg":"exec container process (?P<crun>.*)","level":"error".*\}\n'
    r"|exec (?P<runc>/[^\n]*: [a-z ]+)\n"
)


class _Known(NamedTuple):
    fragment: str
    code: int
    meaning: str


_KNOWN: Final = (
    _Known("not found in $path", NOT_FOUND, "no such executable in the container"),
    _Known("missing dynamic library?", NOT_FOUND, "its interpreter or its loader is missing"),
    _Known("exec format error", NOT_EXECUTABLE, "it is no program that this machine can run"),
    _Known("open executable: no such file", NOT_FOUND, "no such executable in the container"),
    _Known("open executable: permission denied", NOT_EXECUTABLE, "permission denied"),
    _Known("open executable: operation not permitted", NOT_EXECUTABLE, "it is no regular file"),
)

_EXECUTING: Final = re.compile(r"exec container process|exec: ", re.IGNORECASE)


class Opening:
    """Standard error of an exec: holds back the first words while they may be the runtime's."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._first = True
        self.held = b""

    def feed(self, data: bytes) -> None:
        """Take output and pass it on; the first piece waits for the second when in doubt."""
        doubtful = self._first and len(data) < _HELD_BYTES and _MAYBE_RUNTIME.match(data)
        self._first = False
        if doubtful:
            self.held = data
        else:
            self.release()
            self._sink(data)

    def release(self) -> None:
        """Pass on what was held back: it was the command's."""
        if self.held:
            self._sink(self.held)
            self.held = b""

    def replace(self, text: str) -> None:
        """Say this in place of what was held back."""
        self.held = b""
        self._sink(text.encode())


def exit_code(returned: int, command: str, log: Path, opening: Opening) -> int:
    """Return the command's exit code, from what the runtime returned and said.

    A command that could not be executed gives 127 or 126, as in a shell, and one line on standard
    error that says why.

    Raises:
        EngineError: The runtime itself failed.
    """
    problem = _problem(returned, log, opening.held.decode(errors="replace"))
    if problem is None:
        opening.release()
        return returned if returned >= 0 else _SIGNAL_BASE - returned
    known = _cause(problem)
    if known is None:
        raise EngineError(f"the container runtime failed to start {command!r}: {problem}")
    opening.replace(f"cannot run {command!r}: {known.meaning}\n")
    return known.code


def _problem(returned: int, log: Path, held: str) -> str | None:
    """Return what the runtime says went wrong, None when the command ran."""
    if returned != _RUNTIME_FAILED:
        return None
    logged = logged_error(log)
    if logged is not None:
        return logged
    found = _EXEC_STEP.fullmatch(held)
    if found is None:
        return None
    return f"exec container process {found['crun']}" if found["crun"] else f"exec: {found['runc']}"


def logged_error(log: Path) -> str | None:
    """Return the first error in a runtime's log of JSON lines: the cause of the others."""
    for line in _lines(log):
        entry = _entry(line)
        if entry is None:
            return line.decode(errors="replace").rstrip()
        if entry.get("level") in ("error", "fatal"):
            return str(entry.get("msg", line.decode(errors="replace")))
    return None


def misplaced_output(log: Path) -> bytes:
    """Return what a command wrote to its terminal and the runtime put into its log instead.

    crun 1.8 does this now and then with the last words of a command that ends at once, and adds an
    end of line.
    """
    text = b"".join(line for line in _lines(log) if _entry(line) is None)
    return text.removesuffix(b"\n")


def _lines(log: Path) -> list[bytes]:
    try:
        return log.read_bytes().splitlines(keepends=True)
    except OSError:
        return []


def _entry(line: bytes) -> dict[str, object] | None:
    """Return an entry of a log, None for a line that is something else."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or "msg" not in entry:
        return None
    return cast("dict[str, object]", entry)


def _cause(problem: str) -> _Known | None:
    lower = problem.lower()
    for known in _KNOWN:
        if known.fragment in lower:
            return known
    if not _EXECUTING.search(problem):
        return None
    if "no such file" in lower:
        return _Known("", NOT_FOUND, "no such executable in the container")
    return _Known("", NOT_EXECUTABLE, lower.rpartition(": ")[2])  # the kernel's own word
