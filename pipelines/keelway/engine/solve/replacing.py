"""Text replaced in a file: `File.withReplaced`. Files are bytes; lines end at newlines alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.graph.ops import Replaced


def replace_text(op: Replaced, file: Path) -> None:
    """Do the replacement in a file, which keeps its mode and owner.

    Raises:
        EngineError: The text is not there, or in several places and nobody said which.
    """
    if not file.is_file():
        raise EngineError(f"path {op.path} is a directory, not a file")
    data = file.read_bytes()
    new = replaced(data, op)
    if new != data:
        file.write_bytes(new)


def replaced(data: bytes, op: Replaced) -> bytes:
    """Return what a file's contents become.

    Raises:
        EngineError: The text is not there, or in several places and nobody said which.
    """
    start = _line_start(data, op.first_from or 1)
    head, tail = data[:start], data[start:]
    if op.all:
        return head + tail.replace(op.search, op.replacement)
    places = _places(data, op.search, start)
    if not places:
        raise EngineError("search string not found")
    if len(places) > 1 and op.first_from is None:
        found = ", ".join(_told(data, place, len(op.search)) for place in places)
        raise EngineError(f"search string found multiple times: {found}")
    return head + tail.replace(op.search, op.replacement, 1)


def _line_start(data: bytes, line: int) -> int:
    """Return where a line starts, the end when there are not so many."""
    at = 0
    for _ in range(line - 1):
        at = data.find(b"\n", at) + 1
        if not at:
            return len(data)
    return at


def _places(data: bytes, search: bytes, start: int) -> list[int]:
    if not search:
        return []
    places: list[int] = []
    at = data.find(search, start)
    while at >= 0:
        places.append(at)
        at = data.find(search, at + len(search))
    return places


def _told(data: bytes, place: int, length: int) -> str:
    line = data.count(b"\n", 0, place) + 1
    column = place - (data.rfind(b"\n", 0, place) + 1)
    return f"line {line} ({column}-{column + length})"
