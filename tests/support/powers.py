"""Takes powers away from the process of a test, as a machine or a container would."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

CAP_SETUID = 7
CAP_NET_RAW = 13
CAP_SYS_ADMIN = 21

UNSHARE = {"x86_64": 272, "aarch64": 97}[platform.machine()]
MOUNT = {"x86_64": 165, "aarch64": 40}[platform.machine()]

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_FILTER_MODE = 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # of linux/bpf_common.h
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
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


def gain_no_privileges() -> None:
    """Let no program that this process starts gain privileges by its set-uid bit."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def refuse_system_calls(*numbers: int) -> None:
    """Let the kernel answer these system calls with EPERM, for this process and its children."""
    code = [(_LOAD, 0, 0, 0)]
    for left, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
        code.append((_JUMP_IF_EQUAL, left, 0, number))
    code += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR | errno.EPERM)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(text))
    _checked(_libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, program, 0, 0))


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
