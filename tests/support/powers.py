"""Takes powers away from the process of a test, as a machine or a container would."""

from __future__ import annotations

import ctypes
import os

CAP_NET_RAW = 13

_VERSION_3 = 0x20080522
_WORD_BITS = 32
_libc = ctypes.CDLL(None, use_errno=True)


def drop_capability(number: int) -> None:
    """Give up one capability in this thread, and in threads and programs that it starts."""
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the upper halves
    _checked(_libc.capget(header, sets))
    word, bit = divmod(number, _WORD_BITS)
    for kind in range(3):
        sets[word * 3 + kind] &= ~(1 << bit) & 0xFFFFFFFF
    _checked(_libc.capset(header, sets))


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
