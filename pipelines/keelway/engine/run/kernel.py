"""The kernel's calls that Python 3.11 does not have, by ctypes; each raises `OSError`.

The numbers are those of every 64-bit platform (system calls since Linux 5.1 have one number
everywhere). `libc` is called with the interpreter's lock released, so a slow mount in one thread
does not hold up the others.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_SLAVE: Final = 1 << 19
MNT_DETACH: Final = 2
UMOUNT_NOFOLLOW: Final = 8

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

PR_SET_PDEATHSIG: Final = 1
PR_SET_NAME: Final = 15

RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_IN_ROOT: Final = 0x10

_MOUNT_ATTR_RDONLY: Final = 1
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_SYS_OPENAT2: Final = 437
_SYS_MOUNT_SETATTR: Final = 442

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = (  # type: ignore[mutable-override]  # a tuple does as well
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class _MountAttr(ctypes.Structure):
    _fields_ = (  # type: ignore[mutable-override]  # a tuple does as well
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _checked(result: int, path: str | bytes | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


def mount(
    source: str | os.PathLike[str] | None,
    target: str | os.PathLike[str],
    fstype: str | None,
    flags: int,
    data: str | None = None,
) -> None:
    """Attach a file system; the arguments are those of the system call."""
    where = os.fsencode(target)
    _checked(
        _libc.mount(
            None if source is None else os.fsencode(source),
            where,
            None if fstype is None else fstype.encode(),
            ctypes.c_ulong(flags),
            None if data is None else data.encode(),
        ),
        where,
    )


def umount(target: str | os.PathLike[str], flags: int = 0) -> None:
    """Unmount what is on top at the target."""
    where = os.fsencode(target)
    _checked(_libc.umount2(where, flags), where)


def set_readonly(target: str | os.PathLike[str], *, recursive: bool) -> None:
    """Make a mount read-only without touching its other flags, as a user namespace demands."""
    where = os.fsencode(target)
    attributes = _MountAttr(attr_set=_MOUNT_ATTR_RDONLY)
    _checked(
        _libc.syscall(
            ctypes.c_long(_SYS_MOUNT_SETATTR),
            ctypes.c_int(_AT_FDCWD),
            where,
            ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
            ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
        ),
        where,
    )


def openat2(directory: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """Open below a directory by the rules of RESOLVE_*; returns a close-on-exec descriptor."""
    encoded = os.fsencode(path)
    how = _OpenHow(flags=flags | os.O_CLOEXEC, mode=mode, resolve=resolve)
    return _checked(
        _libc.syscall(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(directory),
            encoded,
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        ),
        encoded,
    )


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)))


def setns(descriptor: int, flags: int) -> None:
    """Enter the namespace that the descriptor names (this thread only)."""
    _checked(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(flags)))


def prctl(option: int, argument: int | bytes) -> None:
    """Set one attribute of this thread or process."""
    value = argument if isinstance(argument, bytes) else ctypes.c_ulong(argument)
    _checked(_libc.prctl(ctypes.c_int(option), value, 0, 0, 0))
