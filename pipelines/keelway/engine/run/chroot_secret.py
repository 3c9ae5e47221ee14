"""A secret shown as a file without a tmpfs: a named pipe, whose contents are in memory only.

Each reader gets the whole secret, one after the other. A pipe is not a regular file: a program that
asks for its size or seeks in it will notice, and one that writes to it waits for ever; most only
read. The alternative would be a file on the disk, which stays there when all is killed at once.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.run.spec import SecretFile


class SecretPipe:
    """Gives one secret to whoever reads a path."""

    def __init__(self, secret: SecretFile) -> None:
        """Prepare to show a secret."""
        self._secret = secret
        self._closed = threading.Event()
        self._folder = -1
        self._name = ""
        self._pipe = -1
        """The pipe that the next reader will open, wherever the command has moved it."""
        self._thread = threading.Thread(target=self._serve, name="secret", daemon=True)

    def open(self, place: Path) -> None:
        """Make the pipe at a path where nothing is, and serve its readers.

        Raises:
            OSError: As of mkfifo(3).
        """
        self._folder = os.open(place.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._name = place.name
        self._pipe = self._make(self._name)
        self._thread.start()

    def close(self) -> None:
        """Serve nobody any more; call it once."""
        self._closed.set()
        while self._thread.is_alive():  # whoever waits for a reader finds one
            with contextlib.suppress(OSError):
                os.close(os.open(_by_descriptor(self._pipe), os.O_RDONLY | os.O_NONBLOCK))
            self._thread.join(0.01)
        os.close(self._pipe)
        os.close(self._folder)

    def _serve(self) -> None:
        while not self._closed.is_set():
            # The descriptor leads to the pipe itself, whatever is at its path by now.
            writer = os.open(_by_descriptor(self._pipe), os.O_WRONLY)
            try:
                if self._closed.is_set():
                    return
                # The next reader gets a pipe of its own, or this one would be given it twice.
                if not self._renew():
                    self._closed.set()
                with contextlib.suppress(BrokenPipeError):
                    _write_all(writer, self._secret.data)
            finally:
                os.close(writer)

    def _make(self, name: str) -> int:
        """Make a pipe and return a descriptor that names it.

        Raises:
            OSError: The command has put something else in its place.
        """
        os.mkfifo(name, 0o600, dir_fd=self._folder)
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        made = os.open(name, flags, dir_fd=self._folder)
        if not stat.S_ISFIFO(os.fstat(made).st_mode):
            os.close(made)
            raise FileNotFoundError(name)
        os.chown(_by_descriptor(made), self._secret.uid, self._secret.gid)
        os.chmod(_by_descriptor(made), self._secret.mode)  # noqa: PTH101 - a descriptor's name
        return made

    def _renew(self) -> bool:
        """Put a new pipe in the place of the old one; say whether that was possible."""
        before = os.fstat(self._folder)
        new = f"{self._name}.next"
        try:
            made = self._make(new)
            os.rename(new, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            return False  # the command has removed the directory
        # This is no doing of the command's.
        os.utime(_by_descriptor(self._folder), ns=(before.st_atime_ns, before.st_mtime_ns))
        old, self._pipe = self._pipe, made
        os.close(old)
        return True


def _by_descriptor(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
