"""Files that look like programs, for whoever looks at programs without running them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LOAD, _INTERPRETER = 1, 3


def write_static_elf(path: Path, *, interpreted: bool = False) -> Path:
    """Write an ELF header with one segment, or with a second one that asks for a loader."""
    types = [_LOAD, _INTERPRETER] if interpreted else [_LOAD]
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, len(types), 0, 0, 0)
    segments = b"".join(struct.pack("<I", kind) + bytes(52) for kind in types)
    path.write_bytes(ident + header + segments)
    path.chmod(0o755)
    return path
