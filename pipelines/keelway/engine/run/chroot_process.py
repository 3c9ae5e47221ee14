"""A running command of the chroot runtime: its streams, its signals, its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run.chroot_launch import SESSION, processes
from keelway.engine.run.started import Asked, Started, standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.run.bundle import Bundle
    from keelway.engine.run.spec import Json

_PROGRAM: Final = Path(__file__).with_name("chroot_launch.py")


class ChrootProcess(Started):
    """A command that was started in a chroot."""

    def __init__(
        self,
        bundle: Bundle,
        config: Json,
        *,
        stdin: bytes | int | None,
        command: str,
        on_end: Callable[[], None],
    ) -> None:
        """Start the command; `on_end` is called once when nothing of it is left.

        `command` is its name, for messages.

        Raises:
            OSError: Its parent could not be started.
        """
        child, self._alive = _launch(bundle.path, config, standard_input(stdin))
        super().__init__(child, bundle, command=command, stdin=stdin)
        self._config = config
        self._tracer: Sequence[str] = config["tracer"]  # type: ignore[assignment]  # the runtime's
        self._on_end = on_end

    def signal(self, number: int) -> None:
        """Send a signal to the command; nothing happens when it is over."""
        with self._lock:
            pid = None if self._over else self._command_pid()
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def kill(self) -> None:
        """Kill the command and all that it has started; its pump then ends with 137."""
        with self._lock:
            self._let_go()

    def has_begun(self) -> bool:
        """Tell whether the command's process is there."""
        return (self.bundle.path / "pid").exists()

    def view(self) -> tuple[str, str]:
        """Return no namespace, and the command's root.

        Raises:
            EngineError: It is over: its mounts have been taken out of the root.
        """
        if self._over:
            raise EngineError(f"{self._command!r} is not running")
        return "", str(self._config["root"])

    def ask(self, argv: Sequence[str], *, timeout_s: float) -> Asked | None:
        """Run a command in the same root; see `ChrootRuntime.ask`."""
        folder = self.bundle.path / f"ask-{threading.get_ident()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        config = {**self._config, "argv": [*self._tracer, *argv]}
        try:
            child, alive = _launch(folder, config, subprocess.DEVNULL)
        except OSError as error:
            raise EngineError(f"cannot run {argv[0]!r} in the container: {error}") from error
        try:
            stdout, stderr = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            os.close(alive)
            child.communicate()
        return Asked(code=child.returncode, stdout=stdout, stderr=stderr)

    def _command_pid(self) -> int | None:
        """Return the process id of the command itself, which is proot's child under proot."""
        try:
            pid = int((self.bundle.path / "pid").read_text())
            if self._tracer:
                listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                pid = int(listed[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def _end_orphans(self) -> None:
        """Kill what is left of the command's session when its parent was killed."""
        with contextlib.suppress(OSError, ValueError):
            session = int((self.bundle.path / "pid").read_text())
            for pid in processes(session, field=SESSION):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _let_go(self) -> None:
        """Tell the command's parent that it is no longer wanted."""
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1

    def _finish(self) -> None:
        """Take the parent's exit: nothing of the command is left then."""
        with self._lock:
            self._over = True
            if self._child.wait() < 0:
                self._end_orphans()
            self._let_go()
        self._on_end()


def _launch(folder: Path, config: Json, stdin: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start the parent of a command; return it and the descriptor whose end ends it."""
    (folder / "config.json").write_text(json.dumps(config))
    alive, held = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), str(folder), str(alive)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={},
            cwd="/",
            pass_fds=(alive,),
            start_new_session=True,
        )
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(alive)
    return child, held
