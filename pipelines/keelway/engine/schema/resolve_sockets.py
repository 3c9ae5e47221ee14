"""Sockets of the host: naming one, and giving it to a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.sockets import ExecSocket, Socket, with_socket, without_socket
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import own_client
from keelway.engine.schema.resolve_container import path_of

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

SOCKETS = Resolvers()


@SOCKETS.field("Host", "unixSocket")
def unix_socket(_parent: object, args: Arguments, session: Session) -> Socket:
    """Return a socket of the host."""
    if not args["path"]:
        raise EngineError("Host.unixSocket: the path is empty")
    own_client("Host.unixSocket")
    return Socket(path=str(session.host_path(args["path"])))


@SOCKETS.field("Container", "withUnixSocket")
def with_unix_socket(parent: Container, args: Arguments, session: Session) -> Container:
    """Show a socket of the host to the container's commands."""
    socket = session.socket(args["source"])
    return with_socket(
        parent,
        ExecSocket(
            path=path_of(parent, args),
            identity=socket.identity,
            source=socket.path,
            owner=args.get("owner") or "",
        ),
    )


@SOCKETS.field("Container", "withoutUnixSocket")
def without_unix_socket(parent: Container, args: Arguments, _session: Session) -> Container:
    """Take a socket away."""
    return without_socket(parent, path_of(parent, args))
