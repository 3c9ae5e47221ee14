"""One session from its first line to its end.

The client starts the engine and reads one line on standard output: where the server is and by
which token it answers. That line comes before anything slow: while the client sets itself up, the
listening socket waits for it, and the engine enters its sandbox and imports what it needs. The end
of standard input is the end of the session, and so is SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from keelway.engine.schema.clients import Clients

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from keelway.engine.backend import Parts
    from keelway.engine.server.http import Answer, Server
    from keelway.engine.store.clientwire import ClientWire

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Others may use the session of a client that has ended it; they get this long to finish.
_DRAIN_S = 10.0
_STDIN = 0
_STDOUT = 1
_STDERR = 2


def announce(listener: socket.socket, more: str = "") -> Clients:
    """Write the one line, and return who has the token in it.

    Standard output is given away with it: nobody reads it any more, and a full pipe would block.

    Args:
        listener: where the session is served.
        more: what the line says besides, as JSON.
    """
    token = os.urandom(16).hex()
    port = listener.getsockname()[1]
    sys.stdout.write(f'{{"port":{port},"session_token":"{token}"{more}}}\n')
    sys.stdout.flush()
    os.dup2(_STDERR, _STDOUT)
    return Clients(token, port)


def serve(  # noqa: PLR0913 - the parts of a session, by name
    listener: socket.socket,
    clients: Clients,
    *,
    client: Path,
    schemas: Path,
    make_parts: Callable[[], Parts],
    on_ready: Callable[[], None],
    wire: ClientWire | None = None,
) -> int:
    """Serve one session and return the exit code when it is over.

    Args:
        listener: a socket that listens already.
        clients: who may send requests.
        client: the generated client of the SDK whose API is served.
        schemas: a directory where what is known of the SDK is kept.
        make_parts: makes what answers queries; called in the background.
        on_ready: called when queries are answered from here on.
        wire: asks the client for its files, where it is on another machine.
    """
    from keelway.engine.backend import Backend  # noqa: PLC0415 - when the client knows the port
    from keelway.engine.schema.cache import SchemaCache  # noqa: PLC0415 - likewise
    from keelway.engine.server.gateway import Gateway  # noqa: PLC0415 - likewise

    backend = Backend(make_parts)
    gateway = Gateway(SchemaCache.open(schemas, client), backend)
    _run(listener, clients, gateway, on_ready, wire)
    parts = backend.made()
    if parts is not None:
        parts[1].close()
    return 0


def refuse(listener: socket.socket, clients: Clients, reason: str) -> int:
    """Answer each request of a session that cannot be with the reason.

    One after the other: a process whose sandbox is dead can have no threads. The exit code is
    good all the same, since the SDK would tell of a bad one instead of the reason.
    """
    import json  # noqa: PLC0415 - only when all has failed
    import select  # noqa: PLC0415 - likewise

    from keelway.engine.server.http import answer_one  # noqa: PLC0415 - likewise

    body = json.dumps({"data": None, "errors": [{"message": reason}]}).encode()
    poll = select.poll()
    poll.register(_STDIN, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if _STDIN in ready and not os.read(_STDIN, 4096):
            return 0
        if listener.fileno() in ready:
            connection, _ = listener.accept()
            answer_one(connection, clients, lambda _query, _client: (200, body))


def _run(
    listener: socket.socket,
    clients: Clients,
    answer: Answer,
    on_ready: Callable[[], None],
    wire: ClientWire | None,
) -> None:
    """Serve until the client ends the session or a signal does."""
    from keelway.engine.server.http import Server  # noqa: PLC0415 - when the client knows the port

    server = Server(answer, clients=clients, listener=listener)
    ended_by_client = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        server.stop()

    for number in _SIGNALS:
        signal.signal(number, stop)
    if wire is None:
        threading.Thread(
            target=_end_with_stdin, args=(server, ended_by_client), daemon=True
        ).start()
    else:
        wire.start(server.stop)
    on_ready()
    server.serve()
    if ended_by_client.is_set():
        server.drain(_DRAIN_S)
    server.close()


def _end_with_stdin(server: Server, ended_by_client: threading.Event) -> None:
    with suppress(OSError):
        while os.read(_STDIN, 4096):
            pass
    ended_by_client.set()
    server.stop()
