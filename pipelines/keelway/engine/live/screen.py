r"""The live view on its terminal: a few lines that are drawn again in place, below those that stay.

    screen = Screen(sys.stderr)
    screen({"event": "start", "id": "1", "name": "exec make"})
    screen.close()

A picture leaves in one write that overwrites the one before and clears only what is left of it, so
nothing flickers; a picture that is the same is not written. The size is asked for each time: the
engine is not in the terminal's foreground group, which alone hears of a change by a signal. The
cursor is never hidden and no mode is set, so nothing has to be put back should the engine be
killed.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keelway.engine.live.board import ASCII, COLOURS, PLAIN, UNICODE, Board

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from keelway.engine.live.board import Line

_REDRAWN_S: Final = 0.1
_USUAL: Final = os.terminal_size((80, 24))
_NARROWEST: Final = 10
_KEPT_LINES: Final = 500
"""Lines that stay are remembered for drawing a narrower screen anew."""
_UP: Final = "\x1b[{}A"
_CLEAR_LINE: Final = "\x1b[K"
_CLEAR_BELOW: Final = "\x1b[J"
_CLEAR_SCREEN: Final = "\x1b[H\x1b[J"


class Screen:
    """Shows the events of a session; safe to call from any thread."""

    def __init__(self, out: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        """Show on a terminal; nothing is written before the first event."""
        self._out = out
        unicode = (getattr(out, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self._marks = UNICODE if unicode else ASCII
        self._paint = PLAIN if environment.get("NO_COLOR") else COLOURS
        self._board = Board(marks=self._marks, paint=self._paint, now=time.monotonic())
        self._lock = threading.Lock()
        self._stay: list[Line] = []
        self._stayed: deque[Line] = deque(maxlen=_KEPT_LINES)
        self._drawn: list[str] = []
        self._width = 0
        self._over = threading.Event()
        self._painter: threading.Thread | None = None
        self._held = False

    def __call__(self, event: Mapping[str, object]) -> None:
        """Take one event; it shows with the next picture."""
        with self._lock:
            if self._over.is_set():  # nobody looks any more
                return
            self._stay += self._board.take(event, time.monotonic())
            if self._painter is None:
                self._painter = threading.Thread(target=self._paint_on, name="screen", daemon=True)
                self._painter.start()

    def hold(self) -> None:
        """Take the picture away, and draw nothing until `release`: another has the terminal."""
        with self._lock, suppress(OSError, ValueError):
            self._held = True
            if self._drawn:
                self._out.write(f"\r{_UP.format(len(self._drawn))}{_CLEAR_BELOW}")
                self._out.flush()
                self._drawn = []

    def release(self) -> None:
        """Draw again."""
        with self._lock:
            self._held = False

    def close(self) -> None:
        """Leave the lines that stay, and the summary as the last of them."""
        self._over.set()
        if self._painter is None:
            return
        self._painter.join()
        with self._lock, suppress(OSError, ValueError):
            self._stay.append(self._board.summary(time.monotonic()))
            self._draw(is_last=True)

    def _paint_on(self) -> None:
        while not self._over.wait(_REDRAWN_S):
            with self._lock:
                if self._held:
                    continue
                try:
                    self._draw()
                except (OSError, ValueError):  # the terminal is gone
                    self._over.set()

    def _draw(self, *, is_last: bool = False) -> None:
        size = _size_of(self._out)
        width = max(size.columns - 1, _NARROWEST)  # a full row would wrap on some terminals
        above, self._stay = self._stay, []
        lines = [] if is_last else self._board.lines(size.lines - 1, time.monotonic())
        picture = self._rows(lines, width)
        if picture == self._drawn and not above and width >= self._width:
            return
        if width < self._width:
            # Lines that were drawn may be wrapped now, or not: only a new picture is sure.
            self._stayed.extend(above)
            shown = max(size.lines - 1 - len(picture), len(above))
            above = list(self._stayed)[-shown:] if shown else []
            begin = _CLEAR_SCREEN
        else:
            self._stayed.extend(above)
            begin = f"\r{_UP.format(len(self._drawn))}" if self._drawn else "\r"
        rows = [*self._rows(above, width), *picture]
        self._out.write(begin + "".join(f"{row}{_CLEAR_LINE}\n" for row in rows) + _CLEAR_BELOW)
        self._out.flush()
        self._drawn, self._width = picture, width

    def _rows(self, lines: list[Line], width: int) -> list[str]:
        return [line.drawn(width, self._paint, self._marks.more) for line in lines]


def _size_of(out: TextIO) -> os.terminal_size:
    try:
        size = os.get_terminal_size(out.fileno())
    except (OSError, ValueError):
        return _USUAL
    return size if size.columns and size.lines else _USUAL
