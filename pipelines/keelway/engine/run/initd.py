"""PID 1 of containers, as a program of its own: gives out PID namespaces with an init in each.

Run by path (`python -I -S initd.py FD`), not imported: it must be small, since it is forked for
every exec, and single-threaded. On the socket FD each byte asks for one init; the answer is its
process id as text. End of file ends the program, and it kills what it gave out.

An init does what Docker's `--init` does: it reaps orphans, and passes signals sent to it on to the
container's command. The command itself is started by the runtime, which joins the namespace; so
nothing need be in the image, and it works on every platform. The engine kills the init when the
command is over, and the kernel ends whatever is left in the namespace.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_REC_PRIVATE = 0x4000 | 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
FIRST_PROGRAM = 2
LAST_PROGRAM = 64
LULL_S = 0.002
FORWARDED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
SYS_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "ppc64le": 120, "s390x": 120}

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def checked(result: int) -> int:
    """Return the result of a call, or raise its error."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def leave_the_host() -> None:
    """Take an empty directory for root, so that `/proc/1/root` of a container shows nothing."""
    checked(libc.unshare(CLONE_NEWNS))
    checked(libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None))
    checked(libc.mount(b"tmpfs", b"/dev", b"tmpfs", ctypes.c_ulong(1), b"size=4k,mode=755"))
    os.chdir("/dev")
    checked(libc.pivot_root(b".", b"."))
    checked(libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def hide_arguments() -> None:
    """Show as `.init` in the containers' process lists, Dagger's name for it, and no host paths."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    name = b"/.init"[: end - start]
    ctypes.memset(start, 0, end - start)
    ctypes.memmove(start, name, len(name))
    libc.prctl(PR_SET_NAME, b".init", 0, 0, 0)


def new_init(number: int, channel: socket.socket) -> int:
    """Fork into a new PID namespace; the child never returns."""
    flags = CLONE_NEWPID | signal.SIGCHLD
    # s390x takes the stack before the flags; both are plain numbers, and there is no stack.
    first, second = (0, flags) if os.uname().machine == "s390x" else (flags, 0)
    pid = checked(libc.syscall(number, ctypes.c_ulong(first), ctypes.c_ulong(second), 0, 0, 0))
    if pid == 0:
        channel.close()
        reap_and_forward()
    return pid


def reap_and_forward() -> NoReturn:
    """Be an init until killed, with the program that made it at the latest."""
    libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    watched = {signal.SIGCHLD, *FORWARDED}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    while True:
        received = signal.sigwait(watched)
        if received == signal.SIGCHLD:
            reap()
        else:
            forward(received)


def reap() -> None:
    """Take the exit status of every child that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def forward(received: int) -> None:
    """Signal the container's command: the first process that joined, so the lowest number."""
    for pid in range(FIRST_PROGRAM, LAST_PROGRAM):
        try:
            os.kill(pid, received)
        except ProcessLookupError:
            continue
        return


def serve(channel: socket.socket) -> None:
    """Answer requests, with one init always made in advance."""
    number = SYS_CLONE[os.uname().machine]
    signal.signal(signal.SIGCHLD, lambda _number, _frame: reap())
    # A terminal's interrupt is for the engine to act on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spare = new_init(number, channel)
    while channel.recv(1):
        channel.send(b"%d" % spare)
        # Let the runtime of this one start first: two forks at once hinder each other.
        select.select([channel], [], [], LULL_S)
        spare = new_init(number, channel)


if __name__ == "__main__":
    connection = socket.socket(fileno=int(sys.argv[1]))
    hide_arguments()
    leave_the_host()
    serve(connection)
