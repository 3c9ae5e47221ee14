"""Fields about services: of `Service` itself, and those of others that make or use one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.command import ExecOptions
from keelway.engine.graph.ops import Forward, HostService, Tunnel
from keelway.engine.graph.service import (
    Service,
    as_service,
    host_service,
    tunnel,
    with_binding,
    with_hostname,
)
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import current_request, own_client
from keelway.engine.schema.resolve_container import expanded

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.graph.values import Port
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

SERVICE = Resolvers()


# --- making one ------------------------------------------------------------------------------


@SERVICE.field("Container", "asService")
def of_container(parent: Container, args: Arguments, _session: Session) -> Service:
    """Turn the container into a service."""
    options = ExecOptions(
        privileged=args.get("insecureRootCapabilities", False),
        nesting=args.get("experimentalPrivilegedNesting", False),
        init=not args.get("noInit", False),
    )
    return as_service(parent, _command(parent, args), options)


def _command(parent: Container, args: Arguments) -> list[str]:
    """Return what the service runs.

    The words that are given, else the default ones: those stand behind the entrypoint, unless
    `withDefaultArgs` set them and nobody asks for it.

    Raises:
        EngineError: There is nothing to run.
    """
    words = [expanded(parent, word, args) for word in args.get("args") or ()]
    entrypoint = list(parent.config.entrypoint or ())
    front = bool(args.get("useEntrypoint"))
    if not words:
        words = list(parent.config.cmd or ())
        front = front or not parent.default_args_set
    words = [*entrypoint, *words] if front else words
    if not words:
        raise EngineError("no service command has been set")
    return words


@SERVICE.field("Host", "service")
def of_host(_parent: object, args: Arguments, _session: Session) -> Service:
    """Return ports of the host as a service."""
    own_client("Host.service")
    return host_service(args.get("host") or "localhost", _forwards(args))


@SERVICE.field("Host", "tunnel")
def host_tunnel(_parent: object, args: Arguments, session: Session) -> Service:
    """Return ports of the host that lead to a service."""
    own_client("Host.tunnel")
    service = session.service(args["service"])
    return tunnel(service, _forwards(args), native=bool(args.get("native")))


def _forwards(args: Arguments) -> list[Forward]:
    return [
        Forward(
            backend=one["backend"],
            frontend=one.get("frontend") or 0,
            protocol=one.get("protocol", "TCP"),
        )
        for one in args.get("ports") or ()
    ]


@SERVICE.field("Container", "withServiceBinding")
def bind(parent: Container, args: Arguments, session: Session) -> Container:
    """Have a service run beside the container's commands."""
    return with_binding(parent, args["alias"], session.service(args["service"]))


@SERVICE.field("Service", "withHostname")
def rename(parent: Service, args: Arguments, _session: Session) -> Service:
    """Call the service by another name."""
    return with_hostname(parent, args["hostname"])


# --- running one -----------------------------------------------------------------------------


@SERVICE.field("Service", "start")
def start(parent: Service, _args: Arguments, session: Session) -> Service:
    """Run the service until it is stopped; returns when it is healthy."""
    # A client that has gone may ask again: the service goes on starting for it.
    session.solver.services.start(parent.node)
    return parent


@SERVICE.field("Service", "stop")
def stop(parent: Service, args: Arguments, session: Session) -> Service:
    """End the service; returns when it has ended."""
    session.solver.services.stop(
        parent.node, kill=bool(args.get("kill")), cancelled=current_request().gone
    )
    return parent


@SERVICE.field("Service", "hostname")
def hostname(parent: Service, _args: Arguments, session: Session) -> str:
    """Return the name by which containers reach the service."""
    return session.solver.services.hostname(parent.node)


@SERVICE.field("Service", "ports")
def ports(parent: Service, _args: Arguments, session: Session) -> list[Port]:
    """Return the service's ports; those of the host are there while it runs."""
    if not isinstance(parent.node.op, HostService | Tunnel):
        return list(parent.ports)
    try:
        return list(session.solver.services.where(parent.node).ports)
    except EngineError as error:
        raise EngineError(f"failed to get service ports: {error}") from error


@SERVICE.field("Service", "endpoint")
def endpoint(parent: Service, args: Arguments, session: Session) -> str:
    """Return `host:port`, or a URL, that clients reach the service by."""
    services = session.solver.services
    match parent.node.op:
        case Tunnel():
            where = services.where(parent.node)
            host, known = where.address, [one.port for one in where.ports]
        case HostService(forwards=forwards):
            host, known = services.hostname(parent.node), [one.frontend for one in forwards]
        case _:
            host, known = services.hostname(parent.node), [one.port for one in parent.ports]
    port = args.get("port") or (known[0] if known else None)
    if port is None:
        raise EngineError("no ports exposed")
    scheme = args.get("scheme")
    return f"{scheme}://{host}:{port}" if scheme else f"{host}:{port}"


@SERVICE.field("Service", "up")
def up(parent: Service, args: Arguments, session: Session) -> None:
    """Lead ports of the host to the service until the client goes away."""
    own_client("Service.up")
    forwards = _forwards(args)
    native = not (forwards or args.get("random"))
    way = tunnel(parent, forwards, native=native)
    session.solver.services.up(way.node, gone=current_request().wait_gone)


@SERVICE.field("Container", "up")
def container_up(parent: Container, args: Arguments, session: Session) -> None:
    """Run the container as a service that ports of the host lead to, until the client goes."""
    up(of_container(parent, args, session), args, session)
