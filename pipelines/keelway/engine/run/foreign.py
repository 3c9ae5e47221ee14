"""Whether the kernel runs programs of another platform: tried, where nobody can look.

What the host has registered with binfmt_misc holds in every container, and few of them show it. So
a program that is nothing but its header is executed in an empty root: the kernel refuses its
format, or starts the emulator, which must come from outside (flag F), as for commands in theirs.
"""

from __future__ import annotations

import functools
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_MACHINES: Final = {
    "arm64": (183, 64, "<"),
    "arm": (40, 32, "<"),
    "386": (3, 32, "<"),
    "amd64": (62, 64, "<"),
    "ppc64le": (21, 64, "<"),
    "riscv64": (243, 64, "<"),
    "s390x": (22, 64, ">"),
    "mips64le": (8, 64, "<"),
    "loong64": (258, 64, "<"),
}
"""Architecture -> its number in elf.h, the bits of a word, and the order of bytes."""

_LITTLE, _BIG, _EXECUTABLE, _VERSION = 1, 2, 2, 1
_LONG: Final = 64
_HEADER_BYTES: Final = 64
_REFUSED: Final = 3
_TRY: Final = f"""
import os, sys
os.chroot(sys.argv[1])
try:
    os.execv("/program", ["/program"])
except OSError:
    sys.exit({_REFUSED})
"""
_PATIENCE_S: Final = 60


@functools.cache
def is_emulated(architecture: str) -> bool:
    """Tell whether programs of an architecture start in any root; for root, in a chroot.

    Raises:
        OSError: There is no room for a file of 64 bytes.
    """
    if architecture not in _MACHINES:
        return False
    with tempfile.TemporaryDirectory(prefix="keelway-foreign-") as root:
        program = Path(root, "program")
        program.write_bytes(header(architecture))
        program.chmod(0o755)
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _TRY, root],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return False
    # Python speaks of a chroot that is refused; what an emulator says of the rest is no matter.
    return done.returncode != _REFUSED and b"Traceback" not in done.stderr


def header(architecture: str) -> bytes:
    """Return the header of an executable (elf(5)) with nothing after it."""
    machine, bits, order = _MACHINES[architecture]
    kind = 2 if bits == _LONG else 1
    ident = b"\x7fELF" + bytes([kind, _LITTLE if order == "<" else _BIG, _VERSION]) + bytes(9)
    fixed = struct.pack(f"{order}HHI", _EXECUTABLE, machine, _VERSION)
    return (ident + fixed).ljust(_HEADER_BYTES, b"\0")
