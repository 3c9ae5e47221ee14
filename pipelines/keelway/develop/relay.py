"""Ports of the host that lead to services, and stay open while what they lead to changes.

    async with open_ways(plan_forwards(services)) as ways:
        ways[0].lead_to(40123)

They are taken before anything is started, so that one that is taken already stops nothing halfway.
A service that is built anew has another address; its ports here are the same, and a connection that
comes meanwhile waits for it.
"""

from __future__ import annotations

import errno
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, cast

import anyio
from anyio.abc import SocketAttribute

from keelway.develop.datagrams import serve_datagrams
from keelway.develop.forwards import shown
from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from anyio.abc import SocketStream, TaskGroup, UDPSocket
    from anyio.streams.stapled import MultiListener

    from keelway.develop.forwards import Forward

LOOPBACK = "127.0.0.1"
_PATIENCE_S = 60.0
"""A connection waits so long for a service that is being started."""


class Way:
    """One port of the host; where it leads to is told later, and may change."""

    def __init__(
        self, forward: Forward, port: int, listener: MultiListener[SocketStream] | UDPSocket
    ) -> None:
        """Keep the port, which leads nowhere yet."""
        self.forward = forward
        self.port = port
        self._listener = listener
        self._goal: int | None = None
        self._told = anyio.Event()
        self._scopes: set[anyio.CancelScope] = set()

    def __str__(self) -> str:
        """Return `0.0.0.0:8080->80/tcp`."""
        forward = self.forward
        return shown(forward.address, str(self.port), forward.target, forward.protocol)

    def lead_to(self, goal: int | None) -> None:
        """Lead new connections to a port of the loopback; nothing: they wait."""
        self._goal = goal
        if goal is not None:
            self._told.set()
            self._told = anyio.Event()

    async def goal(self) -> int | None:
        """Return where a new connection goes; nothing when that did not come for long."""
        with anyio.move_on_after(_PATIENCE_S):
            while self._goal is None:
                await self._told.wait()
        return self._goal

    async def serve(self, group: TaskGroup) -> None:
        """Pass connections or datagrams on, until cancelled."""
        if self.forward.protocol == "udp":
            await serve_datagrams(cast("UDPSocket", self._listener), self.goal, group)
        else:
            await cast("MultiListener[SocketStream]", self._listener).serve(self._pass_on, group)

    def close(self) -> None:
        """Cut the connections that are left."""
        for scope in self._scopes:
            scope.cancel()

    async def _pass_on(self, client: SocketStream) -> None:
        # One that is there may be finished while its service ends.
        with anyio.CancelScope(shield=True) as scope:
            self._scopes.add(scope)
            await self._connect(client)
        self._scopes.discard(scope)

    async def _connect(self, client: SocketStream) -> None:
        async with client:
            goal = await self.goal()
            if goal is None:
                return
            # Whoever of both goes away, it is no failure of ours.
            with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                async with await anyio.connect_tcp(LOOPBACK, goal) as server:
                    await _join(client, server)


@asynccontextmanager
async def open_ways(forwards: Sequence[Forward]) -> AsyncGenerator[tuple[Way, ...]]:
    """Take the ports of the host for the time of the block.

    Raises:
        PlanError: One is taken, or cannot be had; names file, line, service and port.
    """
    async with AsyncExitStack() as stack:
        ways: list[Way] = []
        for forward in forwards:
            listener, port = await _taken(forward)
            ways.append(Way(forward, port, await stack.enter_async_context(listener)))
        yield tuple(ways)


async def _taken(forward: Forward) -> tuple[MultiListener[SocketStream] | UDPSocket, int]:
    failure: OSError | None = None
    listener: MultiListener[SocketStream] | UDPSocket
    for port in forward.candidates or (0,):
        try:
            if forward.protocol == "udp":
                listener = await anyio.create_udp_socket(
                    local_host=forward.address, local_port=port
                )
            else:
                listener = await anyio.create_tcp_listener(
                    local_host=forward.address, local_port=port
                )
        except OSError as error:
            failure = error
            continue
        return listener, listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
    raise unavailable(forward, failure)


def unavailable(forward: Forward, failure: OSError | None) -> PlanError:
    """Return the error about a port of the host that cannot be had."""
    ports = forward.candidates
    several = len(ports) > 1
    named = f"ports {ports[0]} to {ports[-1]}" if several else f"port {ports[0] if ports else 0}"
    taken = failure is not None and failure.errno == errno.EADDRINUSE
    verb = "are" if several else "is"
    why = f"{verb} taken" if taken else f"cannot be had ({failure and failure.strerror})"
    return PlanError(
        f"{forward.place}: services.{forward.service}.ports: {named} ({forward.protocol}) of "
        f"{forward.address} {why}",
        next_step="end what listens there, or publish another port: "
        f'"PORT:{forward.target}", or "{forward.target}" alone for any that is free',
    )


async def _join(client: SocketStream, server: SocketStream) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_copy, client, server, group)
        group.start_soon(_copy, server, client, group)


async def _copy(source: SocketStream, target: SocketStream, group: TaskGroup) -> None:
    """Copy one direction to its end; what breaks ends the other direction too."""
    try:
        async for chunk in source:
            await target.send(chunk)
        await target.send_eof()
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        group.cancel_scope.cancel()
