"""The engine's end of `initd.py`: a PID namespace with an init in it, for one exec each."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keelway.engine.errors import EngineError

_PROGRAM: Final = Path(__file__).with_name("initd.py")
_GONE_WITHIN_S: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """PID 1 of a namespace that a runtime can join."""

    pid: int
    descriptor: int
    """A pidfd: it names this process, whoever gets its number later."""

    @property
    def namespace(self) -> str:
        """Return the path of the PID namespace."""
        return f"/proc/{self.pid}/ns/pid"

    def kill(self) -> None:
        """Kill every process in the namespace; safe to call from any thread before `end`."""
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def end(self) -> None:
        """Kill what is left in the namespace and wait until it is gone; call it once."""
        self.kill()
        # The kernel ends PID 1 only after all others, so their files and mounts are free now.
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        poll.poll(_GONE_WITHIN_S * 1000)
        os.close(self.descriptor)


class Reaper:
    """Starts `initd.py` on first use and asks it for inits; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def warm(self) -> None:
        """Start the program without waiting for it, so that the first exec need not."""
        with self._lock:
            self._started()

    def new(self) -> Init:
        """Return a fresh init.

        Raises:
            EngineError: The program did not start, or no namespace could be made.
        """
        with self._lock:
            channel = self._started()
            try:
                channel.send(b"n")
                answer = channel.recv(32)
                if not answer:
                    raise self._failed()
                pid = int(answer)
                return Init(pid=pid, descriptor=os.pidfd_open(pid))
            except OSError as error:
                raise self._failed() from error

    def close(self) -> None:
        """End the program and every init that it gave out."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
                self._channel = None
            if self._process is not None:
                self._process.kill()
                self._process.communicate()
                self._process = None

    def _started(self) -> socket.socket:
        if self._channel is not None:
            return self._channel
        # Packets, so that an answer is one whole number.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                pass_fds=(theirs.fileno(),),
            )
        self._channel = ours
        return ours

    def _failed(self) -> EngineError:
        said = ""
        if self._process is not None:
            self._process.kill()
            said = self._process.communicate()[1].decode(errors="replace").strip()
        self._process = self._channel = None
        last = said.splitlines()[-1] if said else "it ended without a word"
        return EngineError(f"no init for the container: {last}")
