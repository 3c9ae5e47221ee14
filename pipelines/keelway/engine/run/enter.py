"""Into the sandbox: the namespaces that the engine works in, and that end with it.

    sys.exit(enter_sandbox(lambda: serve(...)))      # before any thread is started

Three processes: the outer one stays where it was, passes SIGINT, SIGTERM and SIGHUP on, and waits;
an init is PID 1 of the sandbox and reaps; the engine is its child. Root gets own mount, PID and IPC
namespaces; an ordinary user gets a user namespace around them, with the subordinate ids of
/etc/subuid and /etc/subgid, and is root in there. The network stays the host's, so listening
sockets and registries are what they were. Kill any of the three, in any way: the kernel ends all
processes in the sandbox, its mounts and its namespaces.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run import binfmt, kernel, overlay
from keelway.engine.run.idmap import Mapper

if TYPE_CHECKING:
    from collections.abc import Callable

_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STATE_MOUNTS: Final = (Path("/dev/shm"), Path("/mnt"))  # noqa: S108 - a mount of our own covers it
_SIGNAL_BASE: Final = 128
_FAILED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What the engine has once it is inside."""

    state_dir: Path
    """An empty directory on a tmpfs that nobody else sees: secrets, sockets, runtime state."""
    rootless: bool
    """Root of a user namespace, not of the machine."""


def enter_sandbox(child: Callable[[Sandbox], int]) -> int:
    """Run the child in a new sandbox and return its exit code, 128+n for a signal.

    The process must have one thread. What is open stays open in the child.

    Raises:
        EngineError: The kernel or the machine's set-up does not allow it; says what to do.
    """
    _demand_one_thread()
    rootless = os.geteuid() != 0
    alive, tied = os.pipe()  # the reading end shows the end of the last process with `tied`
    _leave_host(rootless=rootless)
    pid = os.fork()
    if pid == 0:
        os.close(tied)
        _exit_with(lambda: _be_init(child, alive, rootless=rootless))
    os.close(alive)
    try:
        return _wait_and_forward(pid)
    finally:
        os.close(tied)


def _demand_one_thread() -> None:
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise RuntimeError(f"the sandbox must be entered by a process of one thread, not {threads}")


def _leave_host(*, rootless: bool) -> None:
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
    try:
        if rootless:
            with Mapper.start() as mapper:
                kernel.unshare(flags | kernel.CLONE_NEWUSER)
                mapper.finish()
            os.setresgid(0, 0, 0)
            os.setgroups([])
            os.setresuid(0, 0, 0)
        else:
            kernel.unshare(flags)
    except OSError as error:
        raise EngineError(_refused(error, rootless=rootless)) from error


def _refused(error: OSError, *, rootless: bool) -> str:
    if rootless:
        return (
            f"the kernel gives no user namespace ({error.strerror}). Allow them: "
            "`sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000`, on Ubuntu "
            "also `kernel.apparmor_restrict_unprivileged_userns=0`; or run the engine as root"
        )
    return (
        f"root may not make namespaces here ({error.strerror}), as in a container without "
        "privileges. Run the engine on the host, as an ordinary user in the container if it "
        "allows user namespaces, or in a privileged container"
    )


def _exit_with(work: Callable[[], int]) -> None:
    """End this process with what the work returns, never returning to the caller's stack."""
    code = _FAILED
    try:
        code = work()
    except EngineError as error:
        sys.stderr.write(f"keelway-engine: {error}\n")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else _FAILED
    except BaseException as error:  # noqa: BLE001 - the last frame of the process
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _be_init(child: Callable[[Sandbox], int], alive: int, *, rootless: bool) -> int:
    """Be PID 1: set the mounts up, start the engine, reap whatever ends until the engine does."""
    _die_with_parent(alive)
    os.setsid()  # a terminal's signals come by way of the outer process, once
    sandbox = _furnish(rootless=rootless)
    pid = os.fork()
    if pid == 0:
        _exit_with(lambda: child(sandbox))
    return _wait_and_forward(pid)


def _die_with_parent(alive: int) -> None:
    """Be killed when the outer process ends, even if it has ended already."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    ended, _, _ = select.select([alive], [], [], 0)
    if ended:
        os._exit(_FAILED)
    os.close(alive)


def _wait_and_forward(pid: int) -> int:
    """Wait for one child, reaping others, and pass signals on to it."""

    def forward(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    old = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        while True:
            ended, status = os.wait()
            if ended == pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else _SIGNAL_BASE - code
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _renew_proc() -> None:
    """Mount the /proc of the sandbox's processes, with the host's binfmt_misc where it was."""
    with contextlib.suppress(OSError):
        (binfmt.FOLDER / "status").stat()  # sets an automount off
    shown = os.open(binfmt.FOLDER, os.O_PATH | os.O_CLOEXEC) if binfmt.FOLDER.is_dir() else -1
    try:
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", "/proc", "proc", flags)
        if shown >= 0:
            with contextlib.suppress(OSError):  # then the kernel's own word has to do
                overlay.bind(Path(f"/proc/self/fd/{shown}"), binfmt.FOLDER)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
        raise EngineError(
            "/proc may not be mounted anew since parts of it are hidden, as in a container. "
            "Give the container `--security-opt systempaths=unconfined`, or run on the host"
        ) from error
    finally:
        if shown >= 0:
            os.close(shown)


def _furnish(*, rootless: bool) -> Sandbox:
    """Mount what the sandbox has of its own; the host's later mounts and unmounts still show."""
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    _renew_proc()
    for place in _STATE_MOUNTS:
        if place.is_dir():
            overlay.tmpfs(place, mode=0o1777)
            state = place / "keelway"
            state.mkdir(mode=0o700)
            return Sandbox(state_dir=state, rootless=rootless)
    raise EngineError("there is neither /dev/shm nor /mnt to keep the engine's state at")
