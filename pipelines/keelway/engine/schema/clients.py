"""Who may speak to the session: the client that started it, and commands that asked for it.

Each has a token of its own. That of a command is good while the command runs, and tells its
queries from those of the session's own client: the host is not theirs. A client that is attached
from another machine has that as its host.
"""

from __future__ import annotations

import binascii
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.solve.clienthost import HostOfCaller

_ID_BYTES = 12


class Caller:
    """One that has a token."""

    __slots__ = ("credentials", "host", "id", "nested")

    def __init__(self, token: str, *, nested: bool, host: HostOfCaller | None = None) -> None:
        """Describe who has `token`; `nested` is one whose `host` is not this machine."""
        self.host = host
        self.id = os.urandom(_ID_BYTES).hex()
        self.nested = nested
        self.credentials = binascii.b2a_base64(f"{token}:".encode(), newline=False)
        """What HTTP's basic authorization sends for the token."""


class Clients:
    """The tokens of a session; threads may share it."""

    def __init__(self, token: str, port: int = 0) -> None:
        """Start with the token of the session's own client; requests come in at `port`."""
        self.port = port
        self._lock = threading.Lock()
        self._callers = {token: Caller(token, nested=False)}

    def add(self, host: HostOfCaller | None = None) -> str:
        """Return a token for a command; `host` is what it has as its host."""
        token = os.urandom(16).hex()
        with self._lock:
            self._callers[token] = Caller(token, nested=True, host=host)
        return token

    def attach(self, host: HostOfCaller) -> None:
        """Have another machine be the host of the session's own client."""
        own = self.all()[0]
        own.host, own.nested = host, True

    def remove(self, token: str) -> None:
        """Forget a command's token."""
        with self._lock:
            self._callers.pop(token, None)

    def find(self, credentials: bytes) -> Caller | None:
        """Return who sent these, None when nobody has them."""
        import hmac  # noqa: PLC0415 - not on the way to the session's first line

        found = None
        for caller in self.all():  # each is compared: how long it takes tells nothing
            if hmac.compare_digest(credentials, caller.credentials):
                found = caller
        return found

    def all(self) -> list[Caller]:
        """Return everybody, the session's own client first."""
        with self._lock:
            return list(self._callers.values())
