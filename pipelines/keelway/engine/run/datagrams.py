"""Passes datagrams on, and what comes back: what `relay.py` is for connections.

Each client gets a socket of its own towards the server, so that answers find their way back; it is
forgotten when neither side has said anything for a while.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST: Final = 65535
_IDLE_S: Final = 120.0
_LOOK_S: Final = 5.0
_MOST_CLIENTS: Final = 512


@dataclass(slots=True, kw_only=True)
class _Client:
    """One client of a listener, and the socket that speaks to the server for it."""

    address: object
    listener: socket.socket
    server: socket.socket
    heard: float = field(default_factory=time.monotonic)


class DatagramRelay:
    """Listening sockets of one service, served by one thread; any thread may close it."""

    def __init__(self) -> None:
        """Start with no listener."""
        self._poll = select.poll()
        self._dials: dict[int, tuple[socket.socket, Callable[[], socket.socket]]] = {}
        self._clients: dict[tuple[int, object], _Client] = {}
        self._servers: dict[int, _Client] = {}
        self._woken, self._wake = socket.socketpair()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="datagrams", daemon=True)

    def add(self, listener: socket.socket, dial: Callable[[], socket.socket]) -> None:
        """Pass on what comes to `listener`, for each client by a new socket that `dial` gives.

        All are added before `start`.
        """
        self._dials[listener.fileno()] = (listener, dial)
        self._poll.register(listener, select.POLLIN)

    def start(self) -> None:
        """Begin; nothing is done where there is no listener."""
        if self._dials:
            self._poll.register(self._woken, select.POLLIN)
            self._thread.start()

    def close(self) -> None:
        """Stop, and close all sockets."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._wake.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()
        for listener, _ in self._dials.values():
            listener.close()
        for client in self._servers.values():
            client.server.close()
        self._woken.close()

    def _serve(self) -> None:
        looked = time.monotonic()
        while not self._closed.is_set():
            for descriptor, _ in self._poll.poll(_LOOK_S * 1000):
                # An ICMP error of one peer is that peer's alone.
                with contextlib.suppress(OSError):
                    self._move(descriptor)
            if time.monotonic() - looked > _LOOK_S:
                looked = time.monotonic()
                self._forget_idle(looked)

    def _move(self, descriptor: int) -> None:
        if (client := self._servers.get(descriptor)) is not None:
            client.heard = time.monotonic()
            data = client.server.recv(_LONGEST)
            client.listener.sendto(data, client.address)  # type: ignore[call-overload]  # as recvfrom gave
        elif descriptor in self._dials:
            listener, dial = self._dials[descriptor]
            data, address = listener.recvfrom(_LONGEST)
            client = self._clients.get((descriptor, address)) or self._new(listener, address, dial)
            client.heard = time.monotonic()
            client.server.send(data)

    def _new(
        self, listener: socket.socket, address: object, dial: Callable[[], socket.socket]
    ) -> _Client:
        if len(self._clients) >= _MOST_CLIENTS:
            oldest = min(self._clients.values(), key=lambda client: client.heard)
            self._forget(oldest)
        client = _Client(address=address, listener=listener, server=dial())
        self._clients[listener.fileno(), address] = client
        self._servers[client.server.fileno()] = client
        self._poll.register(client.server, select.POLLIN)
        return client

    def _forget_idle(self, now: float) -> None:
        for client in list(self._clients.values()):
            if now - client.heard > _IDLE_S:
                self._forget(client)

    def _forget(self, client: _Client) -> None:
        del self._clients[client.listener.fileno(), client.address]
        del self._servers[client.server.fileno()]
        self._poll.unregister(client.server)
        client.server.close()


def bound_datagrams(address: str, port: int) -> socket.socket:
    """Return a UDP socket at an address of the calling thread's namespace.

    Raises:
        OSError: The port is taken.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def connected_datagrams(host: str, port: int) -> socket.socket:
    """Return a UDP socket that speaks to one place alone.

    Raises:
        OSError: There is no such host.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made
