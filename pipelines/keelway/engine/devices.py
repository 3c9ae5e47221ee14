"""Which device nodes may be in a container's reach.

In a user namespace the kernel lets nobody make or open others. Where the engine is root on the
machine, a node with the number of a disk, of memory or of the kernel's log would be the thing
itself: so neither commands nor images bring one. Docker's device control group allows the same.
"""

from __future__ import annotations

import stat
from typing import Final

HARMLESS_DEVICES: Final = (
    *((0, 0),),  # a whiteout
    *((1, minor) for minor in (3, 5, 7, 8, 9)),  # null, zero, full, random, urandom
    *((5, minor) for minor in (0, 1, 2)),  # tty, console, ptmx
)
"""Major and minor numbers of character devices."""


def is_harmless(mode: int, device: tuple[int, int]) -> bool:
    """Tell whether a node of this mode and number may be made for containers."""
    return not stat.S_ISBLK(mode) and (not stat.S_ISCHR(mode) or device in HARMLESS_DEVICES)
