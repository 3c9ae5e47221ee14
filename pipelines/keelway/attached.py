"""Any program with a session: what `keelway run` does, as `dagger run` does it.

    code = run_attached(["python", "pipeline.py"], EngineChoice.AUTO, environ)

The program finds the session in `DAGGER_SESSION_PORT` and `DAGGER_SESSION_TOKEN`, where every SDK
of Dagger looks first. It keeps the standard streams, the terminal and the process group that it
would have without us; the engine, which writes its progress to standard error, is out of the
terminal's reach, so Ctrl-C ends the program and the program's end ends the session.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, cast

from keelway._engines import SESSION_PORT, Given, choose_engine
from keelway.errors import CommandError, CommandNotFoundError, SessionError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from keelway._engines import Program
    from keelway.model.engine_choice import EngineChoice

_SESSION_TOKEN: Final = "DAGGER_SESSION_TOKEN"  # noqa: S105 - the name of a variable
_PROGRESS: Final = "KEELWAY_ENGINE_PROGRESS"
_FORWARDED: Final = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)
_SENT_BY_KERNEL: Final = 0x80  # `si_code` of what the terminal sends to its whole group
_SIGNAL_BASE: Final = 128
_CLOSING_S: Final = 60.0
"""An engine has so long to end by itself after its session was closed."""
_PR_SET_PDEATHSIG: Final = 1


class Address(NamedTuple):
    """Where a session is, and what opens it."""

    port: int
    token: str


def run_attached(
    command: Sequence[str],
    choice: EngineChoice,
    environ: Mapping[str, str],
    *,
    progress: str = "plain",
) -> int:
    """Run a command with a session and return its exit code; 128 + n when signal n ended it.

    A session that is open already is shared: then the command takes the place of this process, and
    nothing returns.

    Args:
        command: The program, found as a shell would find it, and its arguments.
        choice: Which engine.
        environ: The environment of the command, and of the engine.
        progress: In which form the engine tells of its work, as it calls them.

    Raises:
        CommandNotFoundError: There is no such program.
        CommandError: There is, but it can't be executed.
        SessionError: No engine was started; tells what was tried.
    """
    binary = _find(command[0], environ)
    engine = choose_engine(choice, environ)
    if isinstance(engine, Given):
        _become(binary, command, environ)
    with _session(engine, {**environ, _PROGRESS: progress}) as address:
        given = {SESSION_PORT: str(address.port), _SESSION_TOKEN: address.token}
        return _run(binary, command, {**environ, **given})


def _find(name: str, environ: Mapping[str, str]) -> str:
    """Return the file of a program.

    Raises:
        CommandNotFoundError: There is none.
        CommandError: It is not executable.
    """
    found = shutil.which(name, path=environ.get("PATH"))
    if found is not None:
        return found
    if os.sep in name and os.path.lexists(name):
        if Path(name).is_dir():
            raise CommandError(f"cannot run '{name}': it is a directory")
        why = f"cannot run '{name}': it is not executable"
        raise CommandError(why, next_step=f"try `chmod +x {name}`")
    where = "there is no such file" if os.sep in name else "it is in no directory of PATH"
    raise CommandNotFoundError(f"cannot run '{name}': {where}")


def _become(binary: str, command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(binary, list(command), dict(environ))  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        raise CommandError(f"cannot run '{command[0]}': {error.strerror}") from error


@contextmanager
def _session(engine: Program, environ: Mapping[str, str]) -> Generator[Address]:
    """Hold a session open: one line on the engine's output, and its input closed at the end."""
    # Not of the terminal's process group: Ctrl-C is for the command, which still needs its engine.
    process = subprocess.Popen(
        [*engine.command, "session"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environ, **engine.environment, _PROGRESS: environ[_PROGRESS]},
        start_new_session=True,
    )
    try:
        yield _address(process, engine)
    finally:
        _close(process)


def _address(process: subprocess.Popen[bytes], engine: Program) -> Address:
    """Read the line that says where the session is.

    Raises:
        SessionError: The engine said something else, or nothing.
    """
    out = process.stdout
    line = b"" if out is None else out.readline()
    try:
        said = cast("dict[str, object]", json.loads(line))
        return Address(port=int(str(said["port"])), token=str(said["session_token"]))
    except (ValueError, KeyError, TypeError):
        code = process.poll() if line else process.wait()
        ended = "" if code is None else f"it ended with code {code}"
        said_text = f"it said {line.decode(errors='replace').strip()!r}" if line else ended
        raise SessionError(
            f"the engine '{engine.name}' did not start",
            why=f"{said_text}; what it wrote to standard error is above",
            tried=[engine.tried],
            next_step=engine.next_step,
        ) from None


def _close(process: subprocess.Popen[bytes]) -> None:
    """End the session and wait for the engine; a signal that says so ends it at once."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    try:
        process.wait(_CLOSING_S)
    except subprocess.TimeoutExpired:
        process.kill()
    except KeyboardInterrupt:
        process.kill()
        raise
    process.wait()


def _run(binary: str, command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command as this process' only concern, and return its exit code."""
    waited_for = _FORWARDED | {signal.SIGCHLD}
    with _held(waited_for) as before:
        try:
            # This process has one thread, so what runs between fork and exec is safe.
            child = subprocess.Popen(
                list(command),
                executable=binary,
                env=environ,
                preexec_fn=partial(_as_command, before, os.getpid()),  # noqa: PLW1509 - see above
            )
        except OSError as error:
            raise CommandError(f"cannot run '{command[0]}': {error.strerror}") from error
        while (code := child.poll()) is None:
            got = signal.sigwaitinfo(waited_for)
            # What the terminal sends goes to the command as well: it must not come twice.
            if got.si_signo in _FORWARDED and got.si_code != _SENT_BY_KERNEL:
                child.send_signal(got.si_signo)
    return code if code >= 0 else _SIGNAL_BASE - code


@contextmanager
def _held(numbers: AbstractSet[signal.Signals]) -> Generator[set[signal.Signals]]:
    """Keep signals from interrupting; gives those that were held before."""
    before = cast("set[signal.Signals]", signal.pthread_sigmask(signal.SIG_BLOCK, numbers))
    try:
        yield before
    finally:
        while signal.sigtimedwait(numbers, 0) is not None:
            pass  # those that came too late for the command are not for this program either
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _as_command(mask: set[signal.Signals], parent: int) -> None:
    """Between fork and exec: hear signals again, and end if the one that holds the session does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if os.getppid() != parent:
        os._exit(_SIGNAL_BASE + signal.SIGTERM)
