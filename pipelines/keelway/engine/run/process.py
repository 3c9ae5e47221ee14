"""A running exec: its streams, its signals, its end and what its exit code means."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run.spec import terminal_of
from keelway.engine.run.started import Asked, Started, standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.run.bundle import Bundle
    from keelway.engine.run.reaper import Init
    from keelway.engine.run.terminal import Terminal


class Process(Started):
    """An exec that an OCI runtime started."""

    def __init__(
        self,
        argv: Sequence[str],
        bundle: Bundle,
        init: Init | None,
        *,
        command: str,
        stdin: bytes | int | None,
    ) -> None:
        """Start the runtime.

        `command` is what it runs, for messages; `stdin` is data, a descriptor (the caller's to
        close), or nothing.

        Raises:
            OSError: The runtime could not be started.
        """
        child = subprocess.Popen(
            argv,
            stdin=standard_input(stdin),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        super().__init__(child, bundle, command=command, stdin=stdin)
        self._init = init

    def signal(self, number: int) -> None:
        """Send a signal to the command; nothing happens when it is over."""
        with self._lock:
            if not self._over:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._command_pid() or self._child.pid, number)

    def kill(self) -> None:
        """Kill everything in the container; its pump then ends with 137."""
        with self._lock:
            if self._over:
                return
            if self._init is not None:
                self._init.kill()
            for pid in (self._child.pid, self._command_pid()):
                if pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def has_begun(self) -> bool:
        """Tell whether the runtime has made the command's process."""
        return self._command_pid() is not None

    def view(self) -> tuple[str, str]:
        """Return the mount namespace of the command, and its root.

        Raises:
            EngineError: It has not begun, or is over.
        """
        pid = self._command_pid()
        if pid is None:
            raise EngineError(f"{self._command!r} is not running")
        return f"/proc/{pid}/ns/mnt", f"/proc/{pid}/root"

    def ask(self, program: Sequence[str], argv: Sequence[str], *, timeout_s: float) -> Asked | None:
        """Run a command in the container by the runtime's `exec`; see `Runtime.ask`."""
        words = self._exec(program, argv)
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        except OSError as error:
            raise EngineError(f"cannot run {argv[0]!r} in the container: {error}") from error
        code = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Asked(code=code, stdout=done.stdout, stderr=done.stderr)

    def join(
        self,
        program: Sequence[str],
        argv: Sequence[str],
        terminal: Terminal,
        *,
        gone: Callable[[], bool],
    ) -> int:
        """Run a command in the container at a terminal; see `Runtime.join`."""
        try:
            pid_file = self.bundle.path / f"exec-{threading.get_ident()}.pid"
            options = ["--tty", "--pid-file", str(pid_file)]
            words = self._exec(program, argv, options, size=terminal.size())
            return terminal.run(words, pid_file, gone=gone)
        except OSError as error:
            raise EngineError(f"cannot run {argv[0]!r} in the container: {error}") from error

    def _exec(
        self,
        program: Sequence[str],
        argv: Sequence[str],
        options: Sequence[str] = (),
        *,
        size: tuple[int, int] | None = None,
    ) -> list[str]:
        """Return the words that run a command in the container by the runtime's `exec`."""
        described = self.bundle.path / f"exec-{threading.get_ident()}.json"
        process = json.loads((self.bundle.path / "config.json").read_text())["process"]
        described.write_text(json.dumps({**process, "args": list(argv), **terminal_of(size)}))
        return [*program, "exec", *options, "--process", str(described), self.bundle.name]

    def _command_pid(self) -> int | None:
        """Return the command's process id once the runtime has made it."""
        try:
            return int(self.bundle.pid_file.read_text())
        except (OSError, ValueError):
            return None

    def _finish(self) -> None:
        """Take the runtime's exit, and end what the command left behind."""
        with self._lock:
            self._over = True
            self._child.wait()
            if self._init is not None:
                self._init.end()
