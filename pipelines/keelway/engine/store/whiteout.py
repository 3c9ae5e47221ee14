"""Whiteouts: the mark in a layer for a name of the layers below that is gone."""

from __future__ import annotations

import os
import stat
from typing import Final

_DEVICE: Final = os.makedev(0, 0)
"""Overlayfs's own mark: a character device of this number."""
_DEVICE_ON_OVERLAY: Final = os.makedev(0, 1)
"""The mark where the store itself is on an overlay, as the file system of a container is: the
kernel refuses the true one there, and never mounts such a store's layers either. Nothing else has
this number, since no driver may have the major number 0."""


def is_whiteout(found: os.stat_result) -> bool:
    """Say whether this is the mark for a name that is gone."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev in (_DEVICE, _DEVICE_ON_OVERLAY)


def make_whiteout(path: bytes | str) -> None:
    """Make the mark at a path where nothing is.

    Raises:
        OSError: As of mknod(2).
    """
    try:
        os.mknod(path, stat.S_IFCHR, _DEVICE)
    except PermissionError:
        os.mknod(path, stat.S_IFCHR, _DEVICE_ON_OVERLAY)
