"""The HTTP side of the session: one thread a connection, one query at a time on each.

    server = Server(answer, clients=Clients(token), listener=listener)
    server.serve()          # until server.stop()

HTTP/1.1 itself is h11's. Connections live until the client closes them: a query may be silent for
hours while a command runs. Head and body leave in one write, or else the client's delayed
acknowledgement costs 40 ms a request.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import h11

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.schema.clients import Caller, Clients
    from keelway.engine.server.encode import LongBody
    from keelway.engine.solve.clienthost import HostOfCaller

PATH = "/query"
LARGEST_BODY = 64 * 1024 * 1024
_RECEIVE = 256 * 1024
# Queries are nested as deep as chains are long, and so is the work for them.
_STACK = 64 * 1024 * 1024
_RECURSION = 20_000
_LOOK_AGAIN_S = 0.1
_PATIENCE_S = 10.0
# Troubles that end by themselves: a client that left the queue, too many open files.
_PASSING = frozenset({errno.ECONNABORTED, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_HEADERS = {
    401: (("WWW-Authenticate", 'Basic realm="session"'),),
    405: (("Allow", "POST"),),
}

Answer: TypeAlias = "Callable[[dict[str, Any], Client], tuple[int, bytes | LongBody]]"


class BadRequest(Exception):  # noqa: N818 - named as the protocol does
    """A request that is answered with an HTTP error."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status and what to say."""
        super().__init__(message)
        self.status = status


class Client:
    """Who waits for an answer; tells whether it still does."""

    def __init__(
        self,
        connection: socket.socket,
        traceparent: str = "",
        *,
        nested: bool = False,
        host: HostOfCaller | None = None,
    ) -> None:
        """Watch a connection that is not read from meanwhile.

        Args:
            connection: The connection.
            traceparent: What its header says.
            nested: Whether its host is not this machine.
            host: That host.
        """
        self._connection = connection
        self.traceparent = traceparent
        self.nested = nested
        self.host = host

    def gone(self) -> bool:
        """Tell whether the client has closed its connection."""
        return self.wait_gone(0)

    def wait_gone(self, timeout_s: float | None = None) -> bool:
        """Wait until the client has gone, at most this long; return whether it has."""
        poll = select.poll()
        try:
            poll.register(self._connection, select.POLLRDHUP)
        except ValueError:  # closed on our side
            return True
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))


class Server:
    """Answers queries that carry a token."""

    def __init__(self, answer: Answer, *, clients: Clients, listener: socket.socket) -> None:
        """Serve on a socket that listens already."""
        self._answer = answer
        self._listener = listener
        self._clients = clients
        self._open: set[socket.socket] = set()
        self._busy: set[Client] = set()
        self._idle = threading.Condition()
        self._lock = threading.Lock()
        self._stopped = False

    def serve(self) -> None:
        """Accept connections until `stop`."""
        threading.stack_size(_STACK)
        sys.setrecursionlimit(max(_RECURSION, sys.getrecursionlimit()))
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._stopped:
                    return
                if error.errno not in _PASSING:
                    raise
                time.sleep(_LOOK_AGAIN_S)
                continue
            with self._lock:
                self._open.add(connection)
            thread = threading.Thread(
                target=self._serve_connection, args=(connection,), daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the machine has no more threads: others may end
                with self._lock:
                    self._open.discard(connection)
                connection.close()

    def stop(self) -> None:
        """End `serve`; queries that are on their way still get their answer."""
        self._stopped = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def drain(self, timeout_s: float) -> bool:
        """Wait until no client waits for an answer; return whether that came in time."""
        end = time.monotonic() + timeout_s
        with self._idle:
            while any(not client.gone() for client in self._busy):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._idle.wait(min(left, _LOOK_AGAIN_S))
        return True

    def close(self) -> None:
        """Close all connections; queries that are on their way get no answer."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _answer_counted(
        self, query: dict[str, Any], client: Client
    ) -> tuple[int, bytes | LongBody]:
        with self._idle:
            self._busy.add(client)
        try:
            return self._answer(query, client)
        finally:
            with self._idle:
                self._busy.discard(client)
                self._idle.notify_all()

    def _serve_connection(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Connection(connection, self._clients, self._answer_counted).serve()
        except OSError:
            pass  # the client went away
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def _checked(query: object) -> dict[str, Any]:
    """Return a body's object if it is a query.

    Raises:
        BadRequest: it is none.
    """
    given = cast("dict[str, Any]", query) if isinstance(query, dict) else {}
    if not isinstance(given.get("query"), str):
        raise BadRequest(400, 'the body must be an object with a "query"')
    if not isinstance(given.get("variables") or {}, dict):
        raise BadRequest(400, '"variables" must be an object')
    if not isinstance(given.get("operationName") or "", str):
        raise BadRequest(400, '"operationName" must be a string')
    return given


def answer_one(connection: socket.socket, clients: Clients, answer: Answer) -> None:
    """Answer one request on a connection, in this thread, and close it."""
    connection.settimeout(_PATIENCE_S)
    with connection, suppress(OSError):
        _Connection(connection, clients, answer).serve_one()


class _Connection:
    def __init__(self, connection: socket.socket, clients: Clients, answer: Answer) -> None:
        self._socket = connection
        self._clients = clients
        self._answer = answer
        self._http = h11.Connection(h11.SERVER)
        self._is_head = False

    def serve(self) -> None:
        """Answer one request after the other until the client closes."""
        while self.serve_one():
            self._http.start_next_cycle()

    def serve_one(self) -> bool:
        """Answer one request; return whether there can be another one."""
        try:
            request = self._next_request()
            if request is None:
                return False
            status, body = self._answer(*self._read(request))
            self._send(status, body)
        except h11.RemoteProtocolError as error:
            self._refuse(BadRequest(error.error_status_hint, str(error)))
            return False
        except BadRequest as error:
            self._refuse(error)
        return self._http.states == {h11.SERVER: h11.DONE, h11.CLIENT: h11.DONE}

    def _next_request(self) -> h11.Request | None:
        event = self._event()
        if not isinstance(event, h11.Request):
            return None
        self._is_head = event.method == b"HEAD"
        return event

    def _event(self) -> Any:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                self._socket.sendall(self._http.send(go_on) or b"")
            self._http.receive_data(self._socket.recv(_RECEIVE))

    def _read(self, request: h11.Request) -> tuple[dict[str, Any], Client]:
        """Return the query in a request, with who asks.

        Raises:
            BadRequest: it is none, or comes from somebody without the token.
        """
        caller = self._check(request)
        try:
            query: object = json.loads(self._body())
        except ValueError as error:
            raise BadRequest(400, f"the body is no JSON: {error}") from None
        except RecursionError:
            raise BadRequest(400, "the body is nested too deeply") from None
        traceparent = dict(request.headers).get(b"traceparent", b"").decode("ascii", "replace")
        client = Client(self._socket, traceparent, nested=caller.nested, host=caller.host)
        return _checked(query), client

    def _check(self, request: h11.Request) -> Caller:
        headers = dict(request.headers)
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        caller = self._clients.find(given.strip())
        if scheme.lower() != b"basic" or caller is None:
            raise BadRequest(401, "the session token is missing or wrong")
        if request.target.partition(b"?")[0] != PATH.encode():
            raise BadRequest(404, f"there is only {PATH} here")
        if request.method != b"POST":
            raise BadRequest(405, "queries are sent by POST")
        if int(headers.get(b"content-length", b"0")) > LARGEST_BODY:
            raise BadRequest(413, f"a query may have {LARGEST_BODY} bytes")
        return caller

    def _body(self) -> bytearray:
        body = bytearray()
        while isinstance(event := self._event(), h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY:
                raise BadRequest(413, f"a query may have {LARGEST_BODY} bytes")
        return body

    def _refuse(self, error: BadRequest) -> None:
        """Answer with an error if that is still possible."""
        self._drain()
        if self._may_send():
            body = json.dumps({"errors": [{"message": str(error)}]}).encode()
            self._send(error.status, body, _HEADERS.get(error.status, ()))

    def _may_send(self) -> bool:
        return self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def _drain(self) -> None:
        """Read what little is left of a refused request, so that the connection can go on."""
        with suppress(h11.RemoteProtocolError):
            left = 1024 * 1024
            while left > 0 and self._http.their_state is h11.SEND_BODY:
                event = self._event()
                if not isinstance(event, h11.Data):
                    return
                left -= len(event.data)

    def _send(
        self, status: int, body: bytes | LongBody, extra: Sequence[tuple[str, str]] = ()
    ) -> None:
        size = len(body) if isinstance(body, bytes) else body.size
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(size)),
            *extra,
        ]
        head = self._http.send(h11.Response(status_code=status, headers=headers)) or b""
        if self._is_head:  # the length is told, and nothing sent
            body = b""
        for piece in (body,) if isinstance(body, bytes) else body:
            self._socket.sendall(head + (self._http.send(h11.Data(data=piece)) or b""))
            head = b""
        self._socket.sendall(head + (self._http.send(h11.EndOfMessage()) or b""))
