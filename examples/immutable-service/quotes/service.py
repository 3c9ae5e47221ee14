"""The service: prices come in from their source, and go out to whoever listens.

| request | answer |
| --- | --- |
| `GET /health` | 200 as long as the process serves; `?ready` makes that 503 without fresh prices |
| `/quotes` by websocket | a hello, then each quote as it comes |
| `/quotes?since=NUMBER` by websocket | first those that the listener missed |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.http11 import Request, Response

from quotes import __version__
from quotes.journal import Journal, Quote
from quotes.settings import Settings

LOG = logging.getLogger("quotes")
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_PAGE = 500
_PRUNE_EVERY = 1000
_SILENCE_S = 5.0


class Quotes:
    """One process of the service."""

    def __init__(self, settings: Settings, *, now: Callable[[], float] = time.monotonic) -> None:
        """Open the journal.

        Args:
            settings: How it runs.
            now: A clock that only goes forward.

        Raises:
            sqlite3.Error: The journal cannot be opened.
        """
        self._settings = settings
        self._now = now
        self._journal = Journal(settings.journal, kept=settings.kept)
        self._listeners: set[ServerConnection] = set()
        self._last_price: float | None = None
        self._taken = 0

    async def run(self) -> None:
        """Serve, and follow the prices, until the task is cancelled."""
        try:
            async with self.listening(), asyncio.TaskGroup() as tasks:
                tasks.create_task(self.follow())
        finally:
            self._journal.close()

    def listening(self) -> serve:
        """Return what serves until the end of its block; listeners are told to come again."""
        return serve(
            self.listen,
            self._settings.host,
            self._settings.port,
            process_request=self.answer,
            server_header=None,
            compression=None,
            ping_interval=10,
        )

    @property
    def is_ready(self) -> bool:
        """Return whether prices are fresh."""
        last = self._last_price
        return last is not None and self._now() - last < self._settings.stale_after_s

    def health(self) -> dict[str, object]:
        """Return how it is, in words for people and programs."""
        return {
            "status": "ok" if self.is_ready else "degraded",
            "prices": "fresh" if self.is_ready else "stale",
            "version": __version__,
            "colour": self._settings.colour,
            "listeners": len(self._listeners),
            "last": self._journal.last(),
        }

    def answer(self, _: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP; nothing where a websocket is wanted at the right place."""
        address = urlsplit(request.path)
        if address.path == "/health":
            wanted = "ready" in parse_qs(address.query, keep_blank_values=True)
            failed = wanted and not self.is_ready
            return _json(HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK, self.health())
        if address.path != "/quotes":
            return _json(HTTPStatus.NOT_FOUND, {"error": f"there is no {address.path}"})
        if request.headers.get("Upgrade", "").lower() != "websocket":
            error = "quotes are sent over a websocket"
            return _json(HTTPStatus.UPGRADE_REQUIRED, {"error": error}, upgrade="websocket")
        if _since(request.path) is None:
            return _json(HTTPStatus.BAD_REQUEST, {"error": "since is the number of a quote"})
        return None

    async def listen(self, listener: ServerConnection) -> None:
        """Send a listener what he missed, then each quote as it comes, until he goes."""
        assert listener.request is not None
        number = _since(listener.request.path) or 0
        hello = {"version": __version__, "colour": self._settings.colour}
        with contextlib.suppress(ConnectionClosed):
            await listener.send(json.dumps({"hello": hello, "last": self._journal.last()}))
            while number and (missed := self._journal.since(number, _PAGE)):
                for quote in missed:
                    await listener.send(_message(quote))
                number = missed[-1].number
            # Nothing is awaited since the last look: no quote comes in between.
            self._listeners.add(listener)
            try:
                await listener.wait_closed()
            finally:
                self._listeners.discard(listener)

    async def follow(self) -> None:
        """Take prices from their source for ever; what is lost is tried again, later and later."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                async with connect(
                    self._settings.prices, open_timeout=5, compression=None, proxy=None
                ) as source:
                    LOG.info("prices come from %s", self._settings.prices)
                    while True:
                        # A source that is cut off says nothing, and no error either.
                        async with asyncio.timeout(_SILENCE_S):
                            message = await source.recv()
                        pause = _FIRST_PAUSE_S
                        try:
                            self.take(_quote(message))
                        except ValueError as error:
                            LOG.warning("left out: %s", error)
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
                LOG.warning("no prices: %s; again in %.1f s", error or type(error).__name__, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def take(self, quote: Quote) -> None:
        """Write a quote down, and send it to all who listen."""
        try:
            self._journal.add(quote)
            self._taken += 1
            if self._taken % _PRUNE_EVERY == 0:
                self._journal.prune()
        except sqlite3.Error:
            # A quote that is not kept is not sent: who listens again would miss it.
            LOG.exception("the journal cannot be written")
            return
        self._last_price = self._now()
        broadcast(self._listeners, _message(quote))


def _since(path: str) -> int | None:
    """Return the number behind `since`: 0 without one, nothing where it is none."""
    text = parse_qs(urlsplit(path).query).get("since", ["0"])[-1]
    return int(text) if text.isascii() and text.isdigit() else None


def _quote(message: str | bytes) -> Quote:
    """Return what a message of the source says.

    Raises:
        ValueError: It is no price.
    """
    try:
        read = json.loads(message)
        return Quote(number=int(read["number"]), symbol=str(read["symbol"]), price=str(read["price"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a price: {message!r}") from error


def _message(quote: Quote) -> str:
    return json.dumps(quote.as_dict(), separators=(",", ":"))


def _json(status: HTTPStatus, body: object, **headers: str) -> Response:
    data = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    named = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
    return Response(status.value, status.phrase, Headers({**named, "Connection": "close"}), data)


