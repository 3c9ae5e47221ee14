"""The ports of a service, as its definition has them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.ops import Forward, Service

if TYPE_CHECKING:
    from keelway.engine.graph.node import Node
    from keelway.engine.graph.ops import Tunnel


def listened(node: Node) -> frozenset[int]:
    """Return the ports that a container's service listens on, as far as that is known."""
    op = node.op
    return frozenset(port for port, _ in op.ports) if isinstance(op, Service) else frozenset()


def forwarded(tunnel: Tunnel, upstream: Node) -> tuple[Forward, ...]:
    """Return what a tunnel forwards: the ports that it names, else all that the service has.

    Raises:
        EngineError: There are none.
    """
    ports = upstream.op.ports if isinstance(upstream.op, Service) else ()
    same = tuple(
        Forward(backend=port, frontend=port, protocol=protocol) for port, protocol in ports
    )
    found = (*(same if tunnel.native else ()), *tunnel.forwards)
    found = found or tuple(replace(one, frontend=0) for one in same)
    if not found:
        raise EngineError("no ports to forward")
    return found
