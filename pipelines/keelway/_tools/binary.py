"""The static binary behind a command: Python packages often put a wrapper script on PATH.

A tool runs alone in an empty container, so what is needed is the ELF file itself, without a
dynamic loader.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway._tools.tool import Tool

_ELF = b"\x7fELF"
_CLASS_64 = 2
_PROGRAM_INTERPRETER = 3


def locate_binary(tool: Tool, command: Path) -> Path:
    """Return the tool's static binary.

    Args:
        tool: Which tool.
        command: What was found on PATH or beside Python: the binary, or a script that starts it.

    Raises:
        PlanError: When there is no binary, or it needs libraries of this machine.
    """
    for candidate in (command, *_behind(tool, command)):
        if _is_elf(candidate):
            if not is_static(candidate):
                raise PlanError(
                    f"{tool.name} at {candidate} is linked dynamically",
                    why="it runs alone in an empty container, without this machine's libraries",
                    next_step=tool.remedy(),
                )
            return candidate.resolve()
    raise PlanError(
        f"{tool.name} at {command} is not a binary, and none was found behind it",
        next_step=tool.remedy(),
    )


def _behind(tool: Tool, command: Path) -> Iterator[Path]:
    """Yield where the package of a wrapper script may keep its binary."""
    for prefix in (command.parent.parent, command.resolve().parent.parent):
        for inside in tool.inside:
            yield from sorted(prefix.glob(f"lib*/python3*/site-packages/{inside}"))


def _is_elf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_ELF)) == _ELF
    except OSError:
        return False


def is_static(path: Path) -> bool:
    """Return whether an ELF file runs without a dynamic loader."""
    with path.open("rb") as file:
        return _PROGRAM_INTERPRETER not in _segment_types(file)


def _segment_types(file: BinaryIO) -> set[int]:
    header = file.read(64)
    order = "<" if header[5] == 1 else ">"
    if header[4] == _CLASS_64:
        (offset,) = struct.unpack_from(f"{order}Q", header, 32)
        size, number = struct.unpack_from(f"{order}HH", header, 54)
    else:
        (offset,) = struct.unpack_from(f"{order}I", header, 28)
        size, number = struct.unpack_from(f"{order}HH", header, 42)
    file.seek(offset)
    table = file.read(size * number)
    return {struct.unpack_from(f"{order}I", table, i * size)[0] for i in range(number)}
