"""The parent of one command in a chroot, as a program of its own (`python -I -S chroot_launch.py`).

    chroot_launch.py BUNDLE ALIVE

BUNDLE is a directory on a tmpfs with `config.json`: what to run, where, and as whom. ALIVE is the
reading end of a pipe that the engine holds: its end, in whatever way the engine ended, is the end
of the command. Like an OCI runtime, this writes the command's process id to `pid`, and what went
wrong before the command ran to `log`; it ends with the command's exit code.

There is no PID namespace to end. This process adopts whatever the command leaves behind, and goes
only when no descendant is left. It must be small, since each command has one, and single-threaded.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import signal
import sys
from binascii import a2b_base64
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
FAILED = 1
KILLED = 137
SIGNAL_BASE = 128
STEP_BYTES = 8
LOOK_S = 0.1
"""How often it is looked whether a tracer waits for what a command has left behind."""
PARENT, SESSION = 1, 3
"""Fields of /proc/PID/stat, counted from the state, which follows the name."""

libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    """A BPF program as the kernel takes it."""

    _fields_ = (  # type: ignore[mutable-override]  # a tuple does as well
        ("length", ctypes.c_ushort),
        ("steps", ctypes.c_void_p),
    )


def prctl(option: int, first: Any, second: Any = 0) -> None:
    """Set one attribute of this process, or raise its error."""
    arguments = (one if isinstance(one, int) else ctypes.byref(one) for one in (first, second))
    words = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    if libc.prctl(ctypes.c_int(option), *words, ctypes.c_ulong(0), ctypes.c_ulong(0)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# --- the command ------------------------------------------------------------------------------


def become(config: dict[str, Any], said: int) -> NoReturn:
    """Go into the chroot, give up what the command must not have, and execute it."""
    step = "chroot"
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if config["chroot"]:
            os.chroot(config["root"])
            step = f"chdir to {config['cwd']}"
            os.chdir(config["cwd"])
        step = "give up privileges"
        os.umask(0o022)
        confine(config)
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        step = "exec"
        os.execvpe(config["argv"][0], config["argv"], config["env"])  # noqa: S606 - its purpose
    except OSError as error:
        os.write(said, explain(step, config["argv"][0], error).encode())
    os._exit(FAILED)


def confine(config: dict[str, Any]) -> None:
    """Drop capabilities, install the filter of system calls, become the user."""
    if config["filter"]:
        steps = a2b_base64(config["filter"])
        if config["no_new_privileges"]:
            prctl(PR_SET_NO_NEW_PRIVS, 1)
        kept = ctypes.create_string_buffer(steps, len(steps))
        program = Program(len(steps) // STEP_BYTES, ctypes.addressof(kept))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)
    for number in config["dropped"]:
        prctl(PR_CAPBSET_DROP, number)
    os.setgroups(config["groups"])
    os.setresgid(config["gid"], config["gid"], config["gid"])
    os.setresuid(config["uid"], config["uid"], config["uid"])


def explain(step: str, name: str, error: OSError) -> str:
    """Return what a runtime would say of a command that could not be executed."""
    text = error.strerror or str(error)
    if step != "exec":
        return f"{step}: {text}"
    if error.errno == errno.ENOENT and "/" not in name:
        text = f"executable file {name!r} not found in $PATH"
    elif error.errno == errno.ENOENT and os.path.exists(name):  # noqa: PTH110 - seen by the user
        text = "missing dynamic library?"
    elif error.errno == errno.EACCES:
        text = "open executable: permission denied"
    return f"exec container process {name!r}: {text}"


# --- its parent -------------------------------------------------------------------------------


def processes(wanted: int, *, field: int) -> list[int]:
    """Return the ids of the processes with this number in a field: `PARENT` or `SESSION`."""
    found: list[int] = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        if name.isdigit():
            try:
                fields = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[field]) == wanted:
                found.append(int(name))
    return found


def end_all() -> None:
    """Kill every descendant: orphans become children of this process, one generation a round."""
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for pid in processes(os.getpid(), field=PARENT):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def reap(command: int) -> int | None:
    """Take the exit status of all that have ended; return the command's code if it is there."""
    code = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == command:
                code = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        pass
    return code


def end_left_behind(tracer: int) -> None:
    """Kill what the tracer waits for when the command itself, its only child, is over."""
    try:
        own = Path(f"/proc/{tracer}/task/{tracer}/children").read_text()
    except OSError:
        return
    if own.strip():
        return
    for pid in processes(os.getpid(), field=PARENT):  # orphans come to this process
        if pid != tracer:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def supervise(command: int, alive: int, bundle: Path, *, traced: bool) -> int:
    """Return the command's exit code once it is over, or kill it when the engine lets go."""
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake)
    code = reap(command)
    while code is None:
        ready, _, _ = select.select([alive, woken], [], [], LOOK_S if traced else None)
        if alive in ready:
            end_all()
            clear(bundle)
            return KILLED
        if woken in ready:
            os.read(woken, 4096)
        code = reap(command)
        if traced and code is None:
            end_left_behind(command)
    end_all()
    return code if code >= 0 else SIGNAL_BASE - code


def clear(bundle: Path) -> None:
    """Remove the bundle, variables with secrets included: the engine may be gone."""
    import shutil  # noqa: PLC0415 - rarely needed, and slow to load

    shutil.rmtree(bundle, ignore_errors=True)


def main(bundle: Path, alive: int) -> int:
    """Run the command of a bundle and return its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the engine says when it is over
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    told = bundle / "config.json"
    config = json.loads(told.read_text())
    told.unlink()  # it has secret variables in it
    heard, said = os.pipe2(os.O_CLOEXEC)
    command = os.fork()
    if command == 0:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.close(alive)
        become(config, said)
    os.close(said)
    for stream in (0, 1, 2):
        os.close(stream)  # they are the command's: their end is its end
    (bundle / config["pid_file"]).write_text(str(command))
    with os.fdopen(heard) as answer:
        problem = answer.read()
    code = supervise(command, alive, bundle, traced=bool(config["tracer"]))
    if problem:
        line = json.dumps({"level": "error", "msg": problem})
        (bundle / "log").write_text(line + "\n")
        return FAILED
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
