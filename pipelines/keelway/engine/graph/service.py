"""Services as values: a container's command, ports of the host, or a way from the host to one.

Each is a node that defines it. Nothing runs before a command that it is bound to does, or somebody
starts it; whoever has an equal definition means the same service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.command import ExecOptions, command_node
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import Check, Exec, HostService, Tunnel
from keelway.engine.graph.ops import Service as Definition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.graph.container import Container
    from keelway.engine.graph.ops import Forward
    from keelway.engine.graph.values import Healthcheck, Port

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_LONGEST_NAME = 253
"""What the domain name system takes."""
_NANO = 1e-9
# Docker's own, where the check does not say.
_RETRIES = 3
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, by the node that defines it."""

    node: Node
    ports: tuple[Port, ...] = ()
    """What a container's service exposes; the node has what clients and the health check need."""


def as_service(container: Container, args: Sequence[str], options: ExecOptions) -> Service:
    """Return a command of the container as a service."""
    # A service outlives the command that started it: a variable that changes is not for it.
    node = command_node(replace(container, volatile=()), args, options)
    if not isinstance(node.op, Exec):
        raise TypeError(f"expected a command, got {node.op!r}")
    ports = [port for port in container.ports if port.service]
    op = Definition(
        exec=node.op,
        ports=tuple((port.port, port.protocol) for port in ports),
        probed=tuple(port.port for port in ports if _is_probed(port)),
        check=_check(container, container.config.healthcheck),
    )
    return Service(node=Node.of(op, *node.inputs), ports=tuple(ports))


def host_service(host: str, forwards: Sequence[Forward]) -> Service:
    """Return ports of the host as a service.

    Raises:
        EngineError: There is no port.
    """
    if not forwards:
        raise EngineError("no ports specified")
    full = tuple(replace(one, frontend=one.frontend or one.backend) for one in forwards)
    return Service(node=Node.of(HostService(host=host, forwards=full)))


def tunnel(service: Service, forwards: Sequence[Forward], *, native: bool) -> Service:
    """Return ports of the host that lead to a container's service.

    Raises:
        EngineError: The service is no container's.
    """
    if not isinstance(service.node.op, Definition):
        raise EngineError("tunneling to non-Container services is not supported")
    return Service(node=Node.of(Tunnel(native=native, forwards=tuple(forwards)), service.node))


def with_binding(container: Container, alias: str, service: Service) -> Container:
    """Return the container whose commands have a service beside them, called `alias`.

    Raises:
        EngineError: The alias is no host name, or the service leads away from containers.
    """
    if isinstance(service.node.op, Tunnel):
        raise EngineError("a tunnel is for the host; bind the service that it leads to")
    # Without an alias it is there under its own name alone, beside all others.
    bound = (alias and checked_name(alias), service.node)
    kept = tuple(
        pair for pair in container.services if pair != bound and (not alias or pair[0] != alias)
    )
    return replace(container, services=(*kept, bound), image_ref="")


def with_hostname(service: Service, name: str) -> Service:
    """Return the service under another host name.

    Raises:
        EngineError: It is no host name.
    """
    op = service.node.op
    if not isinstance(op, Definition | HostService | Tunnel):
        raise TypeError(f"expected a service, got {op!r}")
    node = Node.of(replace(op, hostname=checked_name(name)), *service.node.inputs)
    return replace(service, node=node)


def checked_name(name: str) -> str:
    """Return a host name that `/etc/hosts` takes.

    Raises:
        EngineError: It is none.
    """
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise EngineError(
            f"{name!r} is no host name: use letters, digits, '-', '_' and '.', "
            f"{_LONGEST_NAME} at most"
        )
    return name


def _is_probed(port: Port) -> bool:
    # Nobody can tell whether a UDP port is open.
    return port.protocol == "TCP" and not port.skip_healthcheck


def _check(container: Container, check: Healthcheck | None) -> Check | None:
    if check is None or check.args == ("NONE",) or not check.args:
        return None
    shell = container.config.shell or ("/bin/sh", "-c")
    return Check(
        args=(*shell, " ".join(check.args)) if check.shell else check.args,
        interval_s=check.interval * _NANO or None,
        timeout_s=check.timeout * _NANO or _TIMEOUT_S,
        start_period_s=check.start_period * _NANO,
        start_interval_s=check.start_interval * _NANO or None,
        retries=check.retries or _RETRIES,
    )
