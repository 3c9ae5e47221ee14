"""HTTP over connections that somebody else makes: to a service, which no name server knows."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import HTTPHandler, HTTPSHandler, ProxyHandler

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from urllib.request import BaseHandler, Request

_TIMEOUT_S = 60.0


class Dial(Protocol):
    """Whoever makes connections."""

    def __call__(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Return a connection.

        Raises:
            OSError: Nobody answers there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that has to be started to be asked."""

    identity: str
    """What tells it from others of the same name."""
    opened: Callable[[], AbstractContextManager[Dial]] = field(repr=False)
    """Has it run for the time of a block."""


def handlers(dial: Dial) -> list[BaseHandler]:
    """Return what has an opener connect by `dial`, and not through a proxy."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = dial(self.host, self.port, _TIMEOUT_S)

    class Encrypted(http.client.HTTPSConnection):
        def connect(self) -> None:
            made = dial(self.host, self.port, _TIMEOUT_S)
            self.sock = ssl.create_default_context().wrap_socket(made, server_hostname=self.host)

    class PlainHandler(HTTPHandler):
        def http_open(self, req: Request) -> Any:
            return self.do_open(Plain, req)

    class EncryptedHandler(HTTPSHandler):
        def https_open(self, req: Request) -> Any:
            return self.do_open(Encrypted, req)

    return [ProxyHandler({}), PlainHandler(), EncryptedHandler()]
