r"""Text on a terminal: made harmless, measured in cells, and cut to fit.

Example:
    >>> clean("\x1b[31mred\x1b[0m\tand  50%\r100%")
    '100%'
    >>> cut("日本語 text", 6)
    '日本…'
"""

from __future__ import annotations

import re
import unicodedata

_TAB = 8
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, movements
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
_WIDE = frozenset("WF")
_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Cf"})


def clean(line: str) -> str:
    """Return what a line that a program wrote looks like in the end: no escapes, no controls.

    Of a line that was written over (a progress bar does that by carriage returns), the last
    version counts.
    """
    text = _ESCAPES.sub("", line)
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    text = text.expandtabs(_TAB)
    return "".join(char for char in text if char.isprintable())


def width_of(text: str) -> int:
    """Return how many cells a text takes; it must be clean."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def cut(text: str, width: int, *, mark: str = "…") -> str:
    """Return the text if it fits into so many cells, else its beginning and a mark."""
    if width_of(text) <= width:
        return text
    room = width - len(mark)
    taken: list[str] = []
    for char in text:
        room -= _cells(char)
        if room < 0:
            break
        taken.append(char)
    return "".join(taken) + (mark if width >= len(mark) else "")


def _cells(char: str) -> int:
    if unicodedata.east_asian_width(char) in _WIDE:
        return 2
    return 0 if unicodedata.category(char) in _WITHOUT_WIDTH else 1
