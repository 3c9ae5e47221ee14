"""Runs a program of the host where the containers of a session are, with their names of services.

Run by path (`python -I -S inside.py NAMESPACE HOSTS RESOLV_CONF NAMES PROGRAM ...`), not imported:
the program replaces it. It enters the network namespace, shows the program two files in place of
the host's in a mount namespace of its own, and keeps proxies away from the services.
"""

from __future__ import annotations

import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC_PRIVATE = 0x4000 | 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    """Raise the error of a call that failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def enter(namespace: str) -> None:
    """Move this process to a network namespace."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    checked(libc.setns(descriptor, CLONE_NEWNET))
    os.close(descriptor)


def show(file: str, place: str) -> None:
    """Bind a file over one of the host's."""
    checked(libc.mount(file.encode(), place.encode(), None, ctypes.c_ulong(MS_BIND), None))


def spare_proxies(names: str) -> None:
    """Have the program reach these names itself."""
    for variable in ("no_proxy", "NO_PROXY"):
        known = os.environ.get(variable, "")
        os.environ[variable] = f"{known},{names}" if known else names


if __name__ == "__main__":
    namespace, hosts, resolv_conf, names, *command = sys.argv[1:]
    enter(namespace)
    checked(libc.unshare(CLONE_NEWNS))
    checked(libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None))
    show(hosts, "/etc/hosts")
    show(resolv_conf, "/etc/resolv.conf")
    spare_proxies(names)
    os.execvp(command[0], command)  # noqa: S606 - that is what it is for
