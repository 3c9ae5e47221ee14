"""A way to the session for a command that asked for it: a port on its own loopback, and a token.

What connects to the port is passed on to the session's server, which containers reach in no other
way. The token is the command's own and good for as long as the command runs; neither it nor the
port is part of what the command is cached by.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

from keelway.engine.run.relay import Relay

if TYPE_CHECKING:
    from contextlib import ExitStack

    from keelway.engine.run.spec import Endpoint
    from keelway.engine.solve.inside import Inside
    from keelway.engine.solve.machine import Machine

_LOOPBACK = "127.0.0.1"
_DIAL_S = 10.0


def nested_session(
    machine: Machine, endpoint: Endpoint, host: Inside, stack: ExitStack
) -> dict[str, str]:
    """Return the variables by which a command at `endpoint`, in `host`, finds the session.

    Closing `stack` ends the way and the token.
    """
    clients = machine.clients
    token = clients.add(host)
    stack.callback(clients.remove, token)
    listener = machine.network.listen(endpoint, 0, host=_LOOPBACK)
    port = listener.getsockname()[1]
    relay = Relay()
    stack.callback(relay.close)
    relay.add(listener, partial(_dial, clients.port))
    return {"DAGGER_SESSION_PORT": str(port), "DAGGER_SESSION_TOKEN": token}


def _dial(port: int) -> socket.socket:
    server = socket.create_connection((_LOOPBACK, port), _DIAL_S)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server
