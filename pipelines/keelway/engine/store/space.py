"""What to say when the disk that holds the store takes no more."""

from __future__ import annotations

import errno
import os

from keelway.engine.errors import EngineError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def disk_error(error: OSError) -> EngineError | None:
    """Return the error to raise if the disk is full or read-only, else None."""
    if error.errno not in _FULL:
        return None
    return EngineError(
        f"the store can't be written to: {os.strerror(error.errno)}; free some space "
        "(`keelway-engine prune`) or set KEELWAY_STORE to a directory on another disk"
    )
