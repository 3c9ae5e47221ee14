"""Clients on the loopback that ask without a pause, and forgive nothing.

Half of them keep their connections as long as they are allowed to, half take a new one for every
request; half of the requests are POSTs, which no client may send twice. Nothing is tried again.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answered:
    """One request that was answered with 200."""

    began: float
    by: str


@dataclass(slots=True, kw_only=True)
class Load:
    """What came of it so far."""

    answered: list[Answered] = field(default_factory=list[Answered])
    failed: list[str] = field(default_factory=list[str])
    reused: int = 0
    """How many requests went over a connection that had served one before."""
    _stopped: bool = False

    @property
    def requests(self) -> int:
        """Return how many came to an end."""
        return len(self.answered) + len(self.failed)

    async def reached(self, number: int) -> None:
        """Wait until so many requests came to an end."""
        while self.requests < number:  # noqa: ASYNC110 - a count, and nobody else waits for it
            await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Let the clients end with the request that they are at."""
        self._stopped = True

    def by_since(self, moment: float) -> set[str]:
        """Return who answered requests that began after a moment."""
        return {one.by for one in self.answered if one.began > moment}

    async def run(
        self, port: int, *, clients: int = 16, pause_s: float = 0.004, post: bool = True
    ) -> None:
        """Ask until it is stopped; by GET alone where the service knows nothing else."""
        await asyncio.gather(
            *(self._client(port, number, pause_s, post=post) for number in range(clients)),
        )

    async def _client(self, port: int, number: int, pause_s: float, *, post: bool) -> None:
        kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        keeps, turn = number % 2 == 0, number // 2
        while not self._stopped:
            turn += 1
            began = time.monotonic()
            try:
                if kept is None:
                    kept = await asyncio.open_connection("127.0.0.1", port)
                else:
                    self.reused += 1
                by, stays = await asyncio.wait_for(
                    _ask(*kept, method="POST" if post and turn % 2 else "GET", keep=keeps), 60
                )
                self.answered.append(Answered(began, by))
            except Exception as error:  # noqa: BLE001 - whatever it is, a user would have seen it
                self.failed.append(f"{'kept' if keeps else 'new'} connection: {error!r}")
                stays = False
            if not stays and kept is not None:
                kept[1].close()
                kept = None
            await asyncio.sleep(pause_s)
        if kept is not None:
            kept[1].close()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, method: str, keep: bool
) -> tuple[str, bool]:
    body = b"some order" if method == "POST" else b""
    writer.write(
        f"{method} / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    status = head.split(" ", 2)[1]
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    said = (await reader.readexactly(length)).decode()
    if status != "200":
        raise ValueError(f"status {status}")
    return said, keep and "connection: close" not in head


async def get(port: int, path: str = "/", *, timeout_s: float = 60) -> str:
    """Return what one request is answered with, over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n".encode()
        )
        raw = await asyncio.wait_for(reader.read(), timeout_s)
    finally:
        writer.close()
    return raw.partition(b"\r\n\r\n")[2].decode()
