"""A registry with troubles: it stands before a real one, and a test says what goes wrong.

The order in which a client asks is its own business, so a trouble is tied to what is asked for:
`Troubles.blobs` (layers), `manifests` and `uploads` are tried for each request of that kind.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import Registry


LEAST_LAYER = 10_000
"""Bytes; a smaller blob is a configuration, in which nothing goes wrong."""


class Trouble(Protocol):
    """What may be done instead of a good answer."""

    def __call__(self, answer: Answer) -> None:
        """Send something; `answer.send` is what would be right."""
        ...


@dataclass(slots=True, kw_only=True)
class Answer:
    """The real registry's answer to a request, and the way to the client."""

    handler: BaseHTTPRequestHandler
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def send(self, body: bytes | None = None) -> None:
        """Send the answer, or the beginning of it when `body` is shorter."""
        self.handler.send_response(self.status)
        for name, value in self.headers:
            self.handler.send_header(name, value)
        self.handler.end_headers()
        if self.handler.command != "HEAD":
            self.handler.wfile.write(self.body if body is None else body)
        self.handler.wfile.flush()


@dataclass(slots=True, kw_only=True)
class Troubles:
    """What goes wrong from now on, and how often it still does."""

    address: str
    times: int = 0
    blobs: Trouble | None = None
    manifests: Trouble | None = None
    uploads: Trouble | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, method: str, path: str, size: int) -> Trouble | None:
        """Return what goes wrong with a request whose answer has this size, if anything does."""
        trouble = None
        if "/uploads/" in path:
            trouble = self.uploads
        elif "/blobs/" in path and method == "GET" and size > LEAST_LAYER:
            trouble = self.blobs
        elif "/manifests/" in path:
            trouble = self.manifests
        with self.lock:
            if trouble is None or self.times <= 0:
                return None
            self.times -= 1
            return trouble


def unavailable(answer: Answer) -> None:
    """Answer that the server is too busy."""
    answer.handler.send_error(503)


def reset(answer: Answer) -> None:
    """Break the connection in the middle of the body."""
    answer.send(answer.body[: len(answer.body) // 2])
    linger = struct.pack("ii", 1, 0)
    answer.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    answer.handler.close_connection = True
    answer.handler.connection.close()


def corrupt(answer: Answer) -> None:
    """Change a byte in the middle."""
    body = bytearray(answer.body)
    body[len(body) // 2] ^= 0xFF
    answer.send(bytes(body))


def slow(answer: Answer) -> None:
    """Take a while between two halves."""
    middle = len(answer.body) // 2
    answer.send(answer.body[:middle])
    time.sleep(1.5)
    answer.handler.wfile.write(answer.body[middle:])


def stalled(answer: Answer) -> None:
    """Send the first half and then nothing for a long time."""
    answer.send(answer.body[: len(answer.body) // 2])
    time.sleep(60)


class _Handler(BaseHTTPRequestHandler):
    """Hands requests on, and the answers back unless there is trouble."""

    protocol_version = "HTTP/1.1"
    behind: str
    troubles: Troubles

    def do_any(self) -> None:
        """Answer a request of any method."""
        answer = self._asked()
        trouble = self.troubles.next(self.command, self.path, len(answer.body))
        if trouble is None:
            answer.send()
        else:
            trouble(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_any  # noqa: N815 - asked for by name

    def _asked(self) -> Answer:
        """Return what the real registry answers."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        host, _, port = self.behind.partition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=30)) as real:
            real.putrequest(self.command, self.path, skip_host=True)
            for name, value in self.headers.items():  # some come several times
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    real.putheader(name, value)
            real.putheader("Content-Length", str(len(body)))
            real.endheaders(body)
            found = real.getresponse()
            headers = [pair for pair in found.getheaders() if pair[0] not in {"Connection", "Date"}]
            return Answer(handler=self, status=found.status, headers=headers, body=found.read())

    def _chunks(self) -> bytes:
        """Return a body that comes in chunks."""
        parts: list[bytes] = []
        while self.headers.get("Transfer-Encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if not size:
                break
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that go away are what is tested."""


@contextlib.contextmanager
def troubled_registry(behind: Registry) -> Iterator[Troubles]:
    """Serve what another registry has until the end of the block."""
    server = _Quiet(("127.0.0.1", 0), _Handler)
    troubles = Troubles(address=f"127.0.0.1:{server.server_port}")
    names = {"behind": behind.address, "troubles": troubles}
    server.RequestHandlerClass = type("Handler", (_Handler,), names)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield troubles
    finally:
        server.shutdown()
        server.server_close()
