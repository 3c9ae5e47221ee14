"""A web server on the loopback whose answers a test decides, and which tells what it was asked."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True, kw_only=True)
class Page:
    """What the server says at one path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    authorization: str = ""
    """The header that must be sent; everybody may read where it is empty."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    status: int


@dataclass(slots=True, kw_only=True)
class WebServer:
    """The server: its address, its pages, and the requests so far."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict[str, Page])
    seen: list[Seen] = field(default_factory=list[Seen])

    def statuses(self, path: str) -> list[int]:
        """Return what was answered to the requests for a path, in order."""
        return [request.status for request in self.seen if request.path == path]


@contextlib.contextmanager
def web_server() -> Iterator[WebServer]:
    """Serve until the end of the block."""
    server = WebServer(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = server.pages.get(self.path, Page(status=404))
            status, body = page.status, page.body
            if page.authorization and self.headers.get("Authorization") != page.authorization:
                status, body = 401, b""
            elif page.headers.get("ETag", "") == self.headers.get("If-None-Match"):
                status, body = 304, b""
            server.seen.append(Seen(path=self.path, headers=dict(self.headers), status=status))
            self.send_response(status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            del format, args

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
