"""A program at a terminal of its own, typed to and read from by a test."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATIENCE_S = 60


@dataclass(slots=True, kw_only=True)
class Session:
    """A running program and the test's end of its terminal."""

    process: subprocess.Popen[bytes]
    end: int
    seen: str = field(default="", init=False)
    """What was read and not expected yet."""
    before: str = field(default="", init=False)
    """All that came before it."""

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        os.write(self.end, text.encode())

    def expect(self, text: str) -> str:
        """Wait until the terminal shows a text and return what came before it."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.end], [], [], left)[0]
            data = self._read() if ready else b""
            assert data, f"waited for {text!r}, saw {self.seen!r} after {self.before!r}"
            self.seen += data.decode(errors="replace")
        before, found, self.seen = self.seen.partition(text)
        self.before += before + found
        return before

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def settings(self) -> list[object]:
        """Return the terminal's settings."""
        return list(termios.tcgetattr(self.end))

    def _read(self) -> bytes:
        try:
            return os.read(self.end, 1 << 16)
        except OSError:  # the last process at the terminal has ended
            return b""


@contextlib.contextmanager
def at_terminal(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[Session]:
    """Run a program at a new terminal of 100 columns and 30 lines, which controls it."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [need("setsid", package="util-linux"), "--ctty", "--wait", *argv],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **environment},
        )
    finally:
        os.close(theirs)
    session = Session(process=process, end=ours)
    session.resize(100, 30)
    try:
        yield session
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
