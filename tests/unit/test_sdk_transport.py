"""What carries questions to an engine: connections that are used again, and how they end."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from gql import gql
from gql.transport.exceptions import TransportConnectionFailed, TransportServerError

from keelway._sdk_transport import LoopbackTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

QUESTION = gql("{ version }")
DATA = b'{"data": {"version": "v1"}}'


class Engine:
    """A server that counts who came, and remembers what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.heads: list[bytes] = []
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.heads.append(head)
                await self.answer(await reader.readexactly(int(length)), writer)
        except asyncio.IncompleteReadError:
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def asked(answer: Answer) -> AsyncGenerator[tuple[Engine, LoopbackTransport]]:
    engine = Engine(answer)
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = LoopbackTransport(
        httpx.URL(f"http://127.0.0.1:{port}/query"),
        transport=httpx.AsyncHTTPTransport(),
        timeout=httpx.Timeout(None, connect=10),
        auth=("token", ""),
    )
    await transport.connect()
    try:
        yield engine, transport
    finally:
        await transport.close()  # type: ignore[no-untyped-call] # gql's
        server.close()


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((b"HTTP/1.1 " + status, length, *headers, b"", body))


async def plain(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(whole(DATA))


async def test_questions_one_after_the_other_use_one_connection() -> None:
    async with asked(plain) as (engine, transport):
        for _ in range(5):
            assert (await transport.execute(QUESTION)).data == {"version": "v1"}
        assert engine.connections == 1
        assert len(engine.heads) == 5
        assert b"authorization: Basic dG9rZW46\r\n" in engine.heads[0]


async def test_questions_at_the_same_time_use_a_connection_each_and_then_those_again() -> None:
    together = asyncio.Barrier(3)

    async def answer(question: bytes, writer: asyncio.StreamWriter) -> None:
        assert json.loads(question)["query"].split() == ["{", "version", "}"]
        await together.wait()
        writer.write(whole(DATA))

    async with asked(answer) as (engine, transport):
        for _ in range(2):
            answers = await asyncio.gather(*(transport.execute(QUESTION) for _ in range(3)))
            assert [one.data for one in answers] == [{"version": "v1"}] * 3
        assert engine.connections == 3


async def test_an_answer_may_come_in_parts() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (DATA[:9], DATA[9:]):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with asked(answer) as (engine, transport):
        for _ in range(2):
            assert (await transport.execute(QUESTION)).data == {"version": "v1"}
        assert engine.connections == 1


async def test_a_connection_that_the_engine_closes_is_not_used_again() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(DATA, b"Connection: close"))

    async with asked(answer) as (engine, transport):
        for _ in range(2):
            assert (await transport.execute(QUESTION)).data == {"version": "v1"}
        assert engine.connections == 2


async def test_an_engine_that_goes_away_without_an_answer_is_told_of() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with asked(answer) as (_, transport):
        with pytest.raises(TransportConnectionFailed, match="without an answer"):
            await transport.execute(QUESTION)


async def test_an_engine_that_goes_away_amid_an_answer_is_told_of() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(DATA)[:-3])
        writer.close()

    async with asked(answer) as (_, transport):
        with pytest.raises(TransportConnectionFailed, match="peer closed connection"):
            await transport.execute(QUESTION)


async def test_what_is_no_answer_is_told_with_its_status() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(b"forbidden", status=b"403 Forbidden"))

    async with asked(answer) as (_, transport):
        with pytest.raises(TransportServerError, match="403 Forbidden") as told:
            await transport.execute(QUESTION)
        assert told.value.code == 403


async def test_the_engine_hears_that_nobody_waits_any_longer() -> None:
    arrived = asyncio.Event()

    async def answer(_: bytes, __: asyncio.StreamWriter) -> None:
        arrived.set()

    async with asked(answer) as (engine, transport):
        question = asyncio.ensure_future(transport.execute(QUESTION))
        await arrived.wait()
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        await asyncio.wait_for(engine.left.wait(), 30)
