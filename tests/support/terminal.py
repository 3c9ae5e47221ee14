"""A terminal for programs under test: its screen is rendered, and can be read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import termios
import threading
import time
from typing import TYPE_CHECKING, TextIO

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 30.0
_CURSOR_HOME = 0


class Terminal:
    """A screen of so many columns and rows; `slave` is the program's end of it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.master, self.slave = pty.openpty()
        self._screen = pyte.HistoryScreen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.raw = b""
        self.resize(columns, rows)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size, as a person does with the mouse."""
        with self._lock:
            self._screen.resize(rows, columns)
            size = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def lines(self) -> list[str]:
        """Return what stands on the screen, row by row, without the empty end."""
        with self._lock:
            rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def history(self) -> list[str]:
        """Return what was scrolled away above the screen, and the screen."""
        with self._lock:
            width = self._screen.columns
            top = [
                "".join(row[column].data for column in range(width)).rstrip()
                for row in self._screen.history.top
            ]
        return [*top, *self.lines()]

    def colours(self) -> set[str]:
        """Return the colours that the screen shows."""
        with self._lock:
            buffer = self._screen.buffer
            cells = [
                buffer[row][column]
                for row in range(self._screen.lines)
                for column in range(self._screen.columns)
            ]
        return {str(cell.fg) for cell in cells}

    def wait(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the screen is as a test wants it, and return it."""
        end = time.monotonic() + PATIENCE_S
        while not seen(self.lines()):
            assert time.monotonic() < end, "\n".join(["the screen shows:", *self.lines()])
            time.sleep(0.02)
        return self.lines()

    def wait_for(self, text: str) -> list[str]:
        """Wait until some row has this text, and return the screen."""
        return self.wait(lambda rows: any(text in row for row in rows))

    def settle(self) -> list[str]:
        """Return the screen once nothing more comes: all writers must be done."""
        os.close(self.slave)
        self.slave = -1
        self._reader.join(PATIENCE_S)
        return self.lines()

    def close(self) -> None:
        """Give the terminal back."""
        if self.slave >= 0:
            self.settle()
        os.close(self.master)

    def file(self) -> TextIO:
        """Return a stream that writes to the screen."""
        return os.fdopen(os.dup(self.slave), "w", encoding="utf-8")

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the last writer has gone
            while data := os.read(self.master, 65536):
                with self._lock:
                    self.raw += data
                    self._stream.feed(data)


@contextlib.contextmanager
def terminal(columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """Hold a terminal open."""
    opened = Terminal(columns, rows)
    try:
        yield opened
    finally:
        opened.close()
