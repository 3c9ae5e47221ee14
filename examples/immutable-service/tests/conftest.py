from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from quotes.service import Quotes
from quotes.settings import Settings


class Source:
    """A source of prices that sends what it is told to, and can be lost."""

    def __init__(self) -> None:
        self.port = 0
        self._followers: set[ServerConnection] = set()

    async def follow(self, follower: ServerConnection) -> None:
        self._followers.add(follower)
        await follower.wait_closed()
        self._followers.discard(follower)

    async def send(self, number: int, price: str = "4.50") -> None:
        await until(lambda: bool(self._followers))
        for follower in self._followers:
            await follower.send(json.dumps({"number": number, "symbol": "TEA", "price": price}))

    async def send_text(self, text: str) -> None:
        await until(lambda: bool(self._followers))
        for follower in self._followers:
            await follower.send(text)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with serve(self.follow, "127.0.0.1", self.port) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(folder: Path, source: Source) -> AsyncIterator[tuple[Quotes, str]]:
    """Run the service, and yield it with its address."""
    prices = f"ws://127.0.0.1:{source.port}/"
    settings = Settings(
        host="127.0.0.1", port=0, prices=prices, journal=folder / "quotes.db", stale_after_s=0.5
    )
    quotes = Quotes(settings)
    async with quotes.listening() as server:
        port = next(iter(server.sockets)).getsockname()[1]
        following = asyncio.ensure_future(quotes.follow())
        try:
            yield quotes, f"127.0.0.1:{port}"
        finally:
            following.cancel()


@pytest.fixture
def source() -> Source:
    return Source()
