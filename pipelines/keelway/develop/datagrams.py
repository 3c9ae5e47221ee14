"""Datagrams to a service and back: each client has a socket of its own towards the service."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import ConnectedUDPSocket, TaskGroup, UDPSocket

_LOOPBACK = "127.0.0.1"
_IDLE_S = 120.0
"""A client that neither said nor heard anything for so long is forgotten."""
_MOST_CLIENTS = 512

_Address = tuple[str, int]


@dataclass(slots=True, kw_only=True)
class _Client:
    server: ConnectedUDPSocket
    goal: int
    heard: float = field(default_factory=time.monotonic)


async def serve_datagrams(
    listener: UDPSocket, goal: Callable[[], Awaitable[int | None]], group: TaskGroup
) -> None:
    """Pass datagrams on, until cancelled.

    Args:
        listener: Where clients send them to.
        goal: Gives the port of the loopback that leads to the service.
        group: What runs for each client is started in it.
    """
    clients: dict[_Address, _Client] = {}
    async for data, address in listener:
        port = await goal()
        if port is None:
            continue
        client = clients.get(address)
        if client is None or client.goal != port:
            await _forget(clients, address)
            if len(clients) >= _MOST_CLIENTS:
                await _forget(clients, min(clients, key=lambda one: clients[one].heard))
            server = await anyio.create_connected_udp_socket(_LOOPBACK, port)
            client = clients[address] = _Client(server=server, goal=port)
            group.start_soon(_answers, listener, address, client, clients)
        client.heard = time.monotonic()
        # Nobody may listen there just now: a datagram may get lost.
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await client.server.send(data)


async def _answers(
    listener: UDPSocket, address: _Address, client: _Client, clients: dict[_Address, _Client]
) -> None:
    try:
        while time.monotonic() - client.heard < _IDLE_S:
            with anyio.move_on_after(_IDLE_S):
                data = await client.server.receive()
                client.heard = time.monotonic()
                await listener.sendto(data, *address)
    except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    finally:
        if clients.get(address) is client:
            with anyio.CancelScope(shield=True):
                await _forget(clients, address)


async def _forget(clients: dict[_Address, _Client], address: _Address) -> None:
    client = clients.pop(address, None)
    if client is not None:
        await client.server.aclose()
