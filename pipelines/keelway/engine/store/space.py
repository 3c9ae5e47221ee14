"""What to say when the disk that holds the store takes no more, and a way out of that.

A full disk takes nothing, not even what is needed to make room on it. So the store holds a small
reserve, which is given up when it cannot be opened otherwise.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_WRITING = frozenset({*_NO_ROOM, errno.EROFS})
_RESERVE = "reserve"
_RESERVE_SIZE = 2 << 20
_PLENTY = 32 * _RESERVE_SIZE
_NOTHING = 256 << 10
"""A disk with less than this is as good as full: SQLite fails in several ways on one."""
REMEDY = (
    "free some space (`keelway-engine prune`) or set KEELWAY_STORE to a directory on another disk"
)


class DiskFull(EngineError):  # noqa: N818 - says what happened
    """The disk that the store is on takes no more."""


def disk_error(error: OSError) -> EngineError | None:
    """Return the error to raise if the disk is full or read-only, else None."""
    if error.errno not in _NO_WRITING:
        return None
    text = f"the store can't be written to: {os.strerror(error.errno)}; {REMEDY}"
    return DiskFull(text) if error.errno in _NO_ROOM else EngineError(text)


def full(root: Path) -> DiskFull | None:
    """Return the error to raise if the disk of a directory is as good as full, else None."""
    disk = os.statvfs(root)
    if disk.f_frsize * disk.f_bavail >= _NOTHING:
        return None
    return DiskFull(f"the store can't be written to: the disk of {root} is full; {REMEDY}")


def keep_reserve(root: Path) -> None:
    """Set a little space aside where there is plenty."""
    path = root / _RESERVE
    if path.exists():
        return
    disk = os.statvfs(root)
    if disk.f_frsize * disk.f_bavail < _PLENTY:
        return
    with suppress(OSError):  # a store without it is one that must be freed by hand
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _RESERVE_SIZE)
        finally:
            os.close(descriptor)


def give_up_reserve(root: Path) -> bool:
    """Free the space that was set aside; return whether there was any."""
    try:
        (root / _RESERVE).unlink()
    except OSError:
        return False
    return True
