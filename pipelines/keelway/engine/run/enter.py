"""Into the sandbox: the namespaces that the engine works in, and that end with it.

    sys.exit(enter_sandbox(lambda: serve(...)))      # before any thread is started

Three processes: the outer one stays where it was, passes SIGINT, SIGTERM and SIGHUP on, and waits;
an init is PID 1 of the sandbox and reaps; the engine is its child. Root gets own mount, PID and IPC
namespaces; an ordinary user gets a user namespace around them, with the subordinate ids of
/etc/subuid and /etc/subgid, and is root in there; so does root from whom a container took the power
to mount, with the ids that it has. The network stays the host's, so listening
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
from typing import TYPE_CHECKING, Final, Literal

from keelway.engine.errors import EngineError
from keelway.engine.run import binfmt, kernel, overlay
from keelway.engine.run.idmap import Mapper
from keelway.engine.run.refusal import (
    SandboxRefusedError,
    mounts_refused,
    namespaces_refused,
    proc_refused,
)

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
    isolation: Literal["namespace", "chroot"] = "namespace"
    """How commands are kept apart."""
    reason: str = ""
    """Why not by namespaces, where it is not by them."""


def enter_sandbox(child: Callable[[Sandbox], int]) -> int:
    """Run the child in a new sandbox and return its exit code, 128+n for a signal.

    The process must have one thread. What is open stays open in the child.

    Raises:
        SandboxRefusedError: The kernel or the machine's set-up does not allow it; says what to
            do. When the cause is `Cause.NAMESPACES` this process is as it was; else it has left
            the host's namespaces, and may only end.
        EngineError: `/proc` is not there to look into.
    """
    demand_one_thread()
    rootless = _leave_host()
    alive, tied = os.pipe()  # the reading end shows the end of the last process with `tied`
    reason_out, reason_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(tied)
        os.close(reason_out)
        exit_with(lambda: _be_init(child, alive, reason_in, rootless=rootless))
    os.close(alive)
    os.close(reason_in)
    try:
        code = wait_and_forward(pid)
    finally:
        os.close(tied)
    with os.fdopen(reason_out, "rb") as told:
        reason = told.read()
    if reason:
        raise SandboxRefusedError.unpacked(reason)
    return code


def demand_one_thread() -> None:
    """Refuse to go on in a process that has threads: they would stay outside.

    Raises:
        EngineError: `/proc` is not there to look into.
    """
    try:
        threads = len(list(Path("/proc/self/task").iterdir()))
    except FileNotFoundError as error:
        raise EngineError("/proc is not mounted: `mount -t proc proc /proc`") from error
    if threads != 1:
        raise RuntimeError(f"the sandbox must be entered by a process of one thread, not {threads}")


def _leave_host() -> bool:
    """Make the namespaces; return whether they are in a user namespace of their own.

    So they are for an ordinary user, and for root whose powers a container took.
    """
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
    if os.geteuid() == 0:
        try:
            kernel.unshare(flags)
        except PermissionError:
            pass
        except OSError as error:
            raise namespaces_refused(error, root=True) from error
        else:
            return False
    with Mapper.start() as mapper:
        try:
            kernel.unshare(flags | kernel.CLONE_NEWUSER)
        except OSError as error:
            raise namespaces_refused(error, root=os.geteuid() == 0) from error
        mapper.finish()
    os.setresgid(0, 0, 0)
    os.setgroups([])
    os.setresuid(0, 0, 0)
    return True


def exit_with(work: Callable[[], int]) -> None:
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


def _be_init(child: Callable[[Sandbox], int], alive: int, reason: int, *, rootless: bool) -> int:
    """Be PID 1: set the mounts up, start the engine, reap whatever ends until the engine does.

    Why the mounts were refused is written to `reason`.
    """
    die_with_parent(alive)
    os.setsid()  # a terminal's signals come by way of the outer process, once
    try:
        sandbox = _furnish(rootless=rootless)
    except SandboxRefusedError as error:
        os.write(reason, error.packed())
        return _FAILED
    os.close(reason)
    pid = os.fork()
    if pid == 0:
        exit_with(lambda: child(sandbox))
    return wait_and_forward(pid)


def die_with_parent(alive: int) -> None:
    """Be killed when the outer process ends, even if it has ended already."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    ended, _, _ = select.select([alive], [], [], 0)
    if ended:
        os._exit(_FAILED)
    os.close(alive)


def wait_and_forward(pid: int) -> int:
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
    except PermissionError as error:
        raise proc_refused() from error
    finally:
        if shown >= 0:
            os.close(shown)


def _furnish(*, rootless: bool) -> Sandbox:
    """Mount what the sandbox has of its own; the host's later mounts and unmounts still show."""
    try:
        _leave_the_hosts_mounts()
        for place in _STATE_MOUNTS:
            if place.is_dir():
                overlay.tmpfs(place, mode=0o1777)
                state = place / "keelway"
                state.mkdir(mode=0o700)
                break
        else:
            raise EngineError("there is neither /dev/shm nor /mnt to keep the engine's state at")
        _renew_proc()
    except OSError as error:
        raise mounts_refused(error) from error
    return Sandbox(state_dir=state, rootless=rootless)


def _leave_the_hosts_mounts() -> None:
    """Keep mounts to the sandbox, whose root is a mount then, as runtimes demand.

    In a chroot the root is a plain directory of a mount that can't be named from in there: joining
    its own mount namespace takes a process to that namespace's root.
    """
    flags = kernel.MS_REC | kernel.MS_SLAVE
    try:
        kernel.mount(None, "/", None, flags)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    else:
        return
    chroot = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    kernel.setns(namespace, kernel.CLONE_NEWNS)
    os.close(namespace)
    kernel.mount(None, "/", None, flags)
    os.fchdir(chroot)
    os.close(chroot)
    folder = Path.cwd()
    overlay.bind(folder, folder, recursive=True)
    os.chdir(folder)
    os.chroot(".")
