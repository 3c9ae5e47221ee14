"""What every running command has, whichever way it was started: its streams and its end."""

from __future__ import annotations

import subprocess
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.run import streams
from keelway.engine.run.failure import Opening, exit_code

if TYPE_CHECKING:
    from keelway.engine.run.bundle import Bundle
    from keelway.engine.run.streams import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a second command in a container answered."""

    code: int
    stdout: bytes
    stderr: bytes


class Started(ABC):
    """A started command. Exactly one thread calls `pump`; any others may wait, signal and kill."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        bundle: Bundle,
        *,
        command: str,
        stdin: bytes | int | None,
    ) -> None:
        """Take the process that runs the command.

        `command` is its name, for messages; `stdin` what it was given as `standard_input` says.
        """
        self.bundle = bundle
        self._child = child
        self._command = command
        self._data = stdin if isinstance(stdin, bytes) else b""
        self._lock = threading.Lock()
        self._over = False
        self._ended = threading.Event()
        self._code: int | None = None
        self._error: BaseException | None = None

    def pump(self, on_stdout: Sink, on_stderr: Sink) -> int:
        """Move the streams until the command is over and return its exit code.

        A signal that ended it gives 128+n.

        Raises:
            EngineError: The command could not be run; it did not fail itself.
        """
        opening = Opening(on_stderr)
        try:
            streams.move(
                self._child,
                self._data,
                on_stdout=on_stdout,
                on_stderr=opening.feed,
                on_end=self._finish,
            )
            returned = self._child.wait()
            self._code = exit_code(returned, self._command, self.bundle.log, opening)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._close()
        return self._code

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit code once the pump in another thread is over; None when time is up.

        Raises:
            EngineError: The command could not be run; it did not fail itself.
        """
        if not self._ended.wait(timeout_s):
            return None
        if self._error is not None:
            raise self._error
        return self._code

    @abstractmethod
    def signal(self, number: int) -> None:
        """Send a signal to the command; nothing happens when it is over."""

    @abstractmethod
    def kill(self) -> None:
        """Kill the command and all that it has started; its pump then ends with 137."""

    @abstractmethod
    def _finish(self) -> None:
        """Take the exit, once, and end what the command left behind."""

    def _close(self) -> None:
        """Leave nothing, whatever happened."""
        self.kill()
        if not self._over:
            self._finish()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        self.bundle.remove()
        self._ended.set()


def standard_input(stdin: bytes | int | None) -> int:
    """Return what `subprocess` takes for the standard input: data, a descriptor, or nothing."""
    if stdin is None:
        return subprocess.DEVNULL
    return stdin if isinstance(stdin, int) else subprocess.PIPE
