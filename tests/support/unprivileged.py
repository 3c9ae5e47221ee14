"""A command as it would run in an ordinary container: root, and yet no mount and no namespace.

    python -m tests.support.unprivileged COMMAND [ARGUMENT...]

What Docker, Kubernetes and GitLab give a job by default is rebuilt here without any of them: the
fourteen capabilities of Docker's default set, and a filter that refuses new namespaces, the old
mount calls and the new ones. It holds for the command and all that it starts, and can't be left.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_PR_CAPBSET_DROP: Final = 24
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

DOCKER_CAPABILITIES: Final = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31})
"""CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT
MKNOD AUDIT_WRITE SETFCAP, as in linux/capability.h."""

_CAP_SYS_ADMIN: Final = 21

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE: Final = {"x86_64": 56, "aarch64": 220}
_CLONE3: Final = 435
_NEW_NAMESPACES: Final = 0x7E020000 | 0x80
# mount umount2 pivot_root unshare setns, then the mount calls that have one number everywhere.
_OLD_CALLS: Final = {"x86_64": (165, 166, 155, 272, 308), "aarch64": (40, 39, 41, 97, 268)}
_MOUNT_CALLS: Final = (428, 429, 430, 431, 432, 433, 442)

_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16


def refused_calls(machine: str) -> bytes:
    """Return the filter as a BPF program; programs of other architectures are let through."""
    refused = (*_OLD_CALLS[machine], *_MOUNT_CALLS)
    count = len(refused)
    program = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 0, count + 5, _AUDIT_ARCH[machine])]
    program += [(_LOAD, 0, 0, _NUMBER)]
    program += [(_EQUAL, count + 4 - at, 0, number) for at, number in enumerate(refused)]
    program += [
        (_EQUAL, 5, 0, _CLONE3),
        (_EQUAL, 0, 2, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in program)


def give_up_privileges() -> None:
    """Install the filter and drop the capabilities; the next program that is executed has none.

    Raises:
        OSError: This process is not root, or may not do that.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    program = refused_calls(platform.machine())
    kept = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))  # type: ignore[mutable-override]  # a tuple does as well

    filters = Program(len(program) // 8, ctypes.addressof(kept))
    done = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filters), 0, 0)
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "seccomp")
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in set(range(last + 1)) - DOCKER_CAPABILITIES:
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), f"capability {capability}")


def is_unprivileged() -> bool:
    """Tell whether this process has none of these privileges as it is."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return not int(fields["CapBnd"], 16) >> _CAP_SYS_ADMIN & 1


def main(arguments: Sequence[str]) -> None:
    """Give the privileges up and become the command."""
    give_up_privileges()
    os.execvp(arguments[0], list(arguments))  # noqa: S606 - what it is for


if __name__ == "__main__":
    main(sys.argv[1:])
