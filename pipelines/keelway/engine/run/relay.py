"""Passes connections on: whoever connects to a listening socket talks to somebody else.

Made for ports of the host that lead to containers, and for those of containers that lead to it.

    relay = Relay()
    relay.add(listener, lambda: socket.create_connection(("localhost", 5432)))
    relay.wait()

Any other thread may close it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE: Final = 1 << 16


class Relay:
    """Listeners and the connections through them; any thread may close it."""

    def __init__(self) -> None:
        """Start with no listener."""
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = threading.Event()

    def add(self, listener: socket.socket, dial: Callable[[], socket.socket]) -> None:
        """Pass what connects to `listener` on to what `dial` gives, or hang up if that fails."""
        if self._keep(listener):
            self._start(self._accept, listener, dial)

    def is_closed(self) -> bool:
        """Tell whether somebody closed it."""
        return self._closed.is_set()

    def wait(self) -> None:
        """Wait until somebody closes it."""
        self._closed.wait()

    def close(self) -> None:
        """Stop listening and end all connections."""
        self._closed.set()
        with self._lock:
            opened = list(self._open)
        for one in opened:
            self._end(one)

    def _accept(self, listener: socket.socket, dial: Callable[[], socket.socket]) -> None:
        while not self._closed.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                if self._closed.wait(0.1):  # or no descriptors are left just now
                    return
                continue
            if self._keep(client):
                self._start(self._connect, client, dial)

    def _connect(self, client: socket.socket, dial: Callable[[], socket.socket]) -> None:
        """Serve one connection: this thread moves one way, another the other."""
        try:
            server = dial()
        except OSError:
            self._end(client)
            return
        server.settimeout(None)
        if not self._keep(server):
            self._end(client)
            return
        back = self._start(self._move, server, client)
        self._move(client, server)
        back.join()
        self._end(client)
        self._end(server)

    def _move(self, source: socket.socket, dest: socket.socket) -> None:
        """Move bytes until one side ends; the other hears of the end, and may still answer."""
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                dest.sendall(piece)
            dest.shutdown(socket.SHUT_WR)
            return
        for one in (source, dest):  # broken: nothing can come either way
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _keep(self, one: socket.socket) -> bool:
        with self._lock:
            if not self._closed.is_set():
                self._open.add(one)
                return True
        one.close()
        return False

    def _end(self, one: socket.socket) -> None:
        with self._lock:
            self._open.discard(one)
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits for it
        one.close()

    @staticmethod
    def _start(work: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, name="relay", daemon=True)
        thread.start()
        return thread
