"""The terminal that the client was started from, for a command that somebody wants to sit at.

    terminal = Terminal.find()               # before the sandbox: inside there is none to find
    code = runtime.attach(spec, terminal)

The runtime gives the command a terminal of its own in the container and copies between the two.
The engine sees to the rest: one command at a time, the size told on when it changes, and the
settings as they were at the end, however that comes.
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import threading
from typing import TYPE_CHECKING, Self

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

_DEVICE = "/dev/tty"
_LOOK_S = 0.1
_USUAL_SIZE = (80, 24)


class Terminal:
    """An open terminal; it stays open, so that it is there in other namespaces too."""

    def __init__(self, descriptor: int) -> None:
        """Use an open descriptor of a terminal."""
        self.descriptor = descriptor
        self._lock = threading.Lock()

    @classmethod
    def find(cls) -> Self | None:
        """Return the terminal that controls this process, None where there is none."""
        try:
            return cls(os.open(_DEVICE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        except OSError:
            return None

    def size(self) -> tuple[int, int]:
        """Return the number of columns and of lines now."""
        try:
            columns, lines = os.get_terminal_size(self.descriptor)
        except OSError:  # closed, or a line to a machine that never told
            return _USUAL_SIZE
        return columns or _USUAL_SIZE[0], lines or _USUAL_SIZE[1]

    def show(self, text: bytes) -> None:
        """Write to the terminal, unless it is gone."""
        with self._lock, contextlib.suppress(OSError):
            while text:
                text = text[os.write(self.descriptor, text) :]

    def run(
        self, argv: Sequence[str], pid_file: Path, *, gone: Callable[[], bool] = lambda: False
    ) -> int:
        """Run a runtime at the terminal and return what it returned.

        The runtime writes the process id of its command to `pid_file`, and is killed when `gone`
        tells that nobody waits for it any more.

        Raises:
            EngineError: The terminal is gone.
        """
        size = self.size()
        with self._taken(), _at(self.descriptor, argv) as child:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return child.wait(_LOOK_S)
                if gone():
                    child.kill()
                if (now := self.size()) != size and _resize(pid_file, now):
                    size = now

    @contextlib.contextmanager
    def _taken(self) -> Generator[None]:
        """Have the terminal to oneself; its settings are the same again afterwards."""
        import termios  # noqa: PLC0415 - few sessions open a terminal

        with self._lock:
            try:
                before = termios.tcgetattr(self.descriptor)
            except termios.error as error:
                raise EngineError(f"the terminal is gone: {error.args[-1]}") from None
            try:
                yield
            finally:
                with contextlib.suppress(termios.error):  # closed meanwhile
                    termios.tcsetattr(self.descriptor, termios.TCSADRAIN, before)


def _resize(pid_file: Path, size: tuple[int, int]) -> bool:
    """Give the command's terminal in the container a size; return whether there was one.

    The runtime does not see to it: it hears of a change only from a terminal that controls it.
    """
    import fcntl  # noqa: PLC0415 - few sessions open a terminal
    import termios  # noqa: PLC0415 - likewise

    columns, lines = size
    try:
        name = f"/proc/{int(pid_file.read_text())}/fd/0"
        descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return False
    try:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    except OSError:  # the command has something else there by now
        pass
    finally:
        os.close(descriptor)
    return True


@contextlib.contextmanager
def _at(descriptor: int, argv: Sequence[str]) -> Generator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(argv, stdin=descriptor, stdout=descriptor, stderr=descriptor)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
