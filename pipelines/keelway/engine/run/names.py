"""The services of a session by name, in the `/etc/hosts` of each container that runs.

The file is the engine's own, bound into the container, so that it can be changed while programs
read it: a service that starts is appended by one write, and one byte makes the line of one that
ends a comment.
Every program finds names there, statically linked ones too, which a name server can't be said of.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST: Final = 1 << 20
"""Bytes of a file that are looked at: a container may write to its own."""


class Names:
    """Where services are, and the files that say so; threads may share it."""

    def __init__(self) -> None:
        """Start with no service and no file."""
        self._lock = threading.Lock()
        self._addresses: dict[str, str] = {}
        self._files: set[Path] = set()

    def add(self, name: str, address: str) -> None:
        """Have a name lead to an address from now on."""
        with self._lock:
            self._addresses[name] = address
            for file in self._files:
                with contextlib.suppress(OSError):
                    _append(file, _line(name, address))

    def remove(self, name: str, address: str) -> None:
        """Have a name no longer lead to an address."""
        with self._lock:
            if self._addresses.get(name) == address:
                del self._addresses[name]
            for file in self._files:
                with contextlib.suppress(OSError):
                    _comment(file, _line(name, address))

    def known(self) -> dict[str, str]:
        """Return the addresses by name, as they are now."""
        with self._lock:
            return dict(self._addresses)

    def follow(self, file: Path) -> None:
        """Add what is known to a file, and keep it up to date until it is left."""
        with self._lock:
            _append(file, b"".join(_line(*known) for known in self._addresses.items()))
            self._files.add(file)

    def leave(self, file: Path) -> None:
        """Keep a file up to date no longer."""
        with self._lock:
            self._files.discard(file)


def _line(name: str, address: str) -> bytes:
    return f"{address}\t{name}\n".encode()


def _append(file: Path, lines: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(descriptor, lines)
    finally:
        os.close(descriptor)


def _comment(file: Path, line: bytes) -> None:
    """Make each such line a comment; wherever the container has moved it, by then."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        text = b"\n" + os.pread(descriptor, _LONGEST, 0)
        place = text.find(b"\n" + line)
        while place >= 0:
            os.pwrite(descriptor, b"#", place)
            place = text.find(b"\n" + line, place + 1)
    finally:
        os.close(descriptor)
