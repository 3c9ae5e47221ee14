"""What carries the SDK's questions to an engine on this machine, in keelway's own program.

The SDK asks through httpx: for each of some two hundred questions of a release its pool looks at
every connection that it has. What answers is one server behind loopback, without redirects,
proxies, cookies or encryption: HTTP itself, which h11 speaks, is all that it takes.

Only `_sdk` loads this module, once the SDK is wanted.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - its streams say that the other side left; the program has no other loop
import base64
import json as jsons
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import h11
import httpx
from gql.transport.httpx import HTTPXAsyncTransport
from opentelemetry import propagate

if TYPE_CHECKING:
    from typing import Self

_CHUNK_BYTES = 256 * 1024


class Settings(TypedDict):
    """What the SDK says of its connection."""

    transport: httpx.AsyncBaseTransport
    """The SDK's own, which adds the trace that is going on; that is done here too."""
    timeout: httpx.Timeout | None
    """How long connecting may take. What an engine does may take any time."""
    auth: tuple[str, str]
    """The token of the session."""


class LoopbackTransport(HTTPXAsyncTransport):
    """The SDK's transport, with connections of its own in place of httpx's client."""

    def __init__(self, url: httpx.URL, **settings: Unpack[Settings]) -> None:
        super().__init__(url, **settings)  # pyright: ignore[reportUnknownMemberType] # gql does not say
        self._settings = settings

    async def connect(self) -> None:
        """Get ready; a connection is made once there is something to ask."""
        timeout = self._settings["timeout"]
        self.client: Any = LoopbackClient(
            auth=self._settings["auth"], connect_s=None if timeout is None else timeout.connect
        )


@dataclass(slots=True)
class LoopbackClient:
    """Asks one server; a connection is used again once its answer is read, the latest one first."""

    auth: tuple[str, str]
    connect_s: float | None
    _idle: list[_Connection] = field(default_factory=list["_Connection"])
    _open: set[_Connection] = field(default_factory=set["_Connection"])

    async def post(self, url: httpx.URL, *, json: object) -> httpx.Response:
        """Return the answer to a question.

        Args:
            url: Where it is asked.
            json: What is asked.

        Raises:
            OSError: There is no connection, or it broke.
            h11.ProtocolError: What came is no HTTP.
            TimeoutError: Connecting took too long.
        """
        token = base64.b64encode(":".join(self.auth).encode()).decode()
        headers = {"authorization": f"Basic {token}", "content-type": "application/json"}
        propagate.inject(headers)
        content = jsons.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        request = httpx.Request("POST", url, content=content, headers=headers)
        connection = self._known() or await self._made(url)
        try:
            response = await connection.ask(request)
        except BaseException:  # also where nobody waits any longer: the engine need not go on
            self._drop(connection)
            raise
        if connection.reusable():
            self._idle.append(connection)
        else:
            self._drop(connection)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in tuple(self._open):
            self._drop(connection)

    def _known(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof():
                return connection
            self._drop(connection)
        return None

    async def _made(self, url: httpx.URL) -> _Connection:
        async with asyncio.timeout(self.connect_s):
            connection = await _Connection.to(url)
        self._open.add(connection)
        return connection

    def _drop(self, connection: _Connection) -> None:
        self._open.discard(connection)
        connection.writer.close()


@dataclass(slots=True, eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    @classmethod
    async def to(cls, url: httpx.URL) -> Self:
        return cls(*await asyncio.open_connection(url.host, url.port))

    async def ask(self, request: httpx.Request) -> httpx.Response:
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        )
        events = (head, h11.Data(data=request.content), h11.EndOfMessage())
        self.writer.writelines([self.http.send(event) or b"" for event in events])
        await self.writer.drain()
        parts: list[bytes] = []
        while not isinstance(answer := await self._event(), h11.Response):
            pass  # one that only informs
        while isinstance(event := await self._event(), h11.Data):
            parts.append(event.data)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers.raw_items(),
            content=b"".join(parts),
            request=request,
        )

    def reusable(self) -> bool:
        """Tell whether another question may follow; then it may be sent at once."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            return True
        return False

    async def _event(self) -> object:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            received = await self.reader.read(_CHUNK_BYTES)
            if not received and self.http.their_state is h11.SEND_RESPONSE:
                raise ConnectionResetError("the engine closed the connection without an answer")
            self.http.receive_data(received)
        return event
