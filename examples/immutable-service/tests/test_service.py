import asyncio
import json
import urllib.error
import urllib.request

import pytest
from conftest import Source, running, until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from quotes.client import follow


def asked(address: str, path: str) -> tuple[int, dict]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def ask(address: str, path: str) -> tuple[int, dict]:
    return await asyncio.to_thread(asked, address, path)


def test_a_quote_goes_to_all_who_listen(tmp_path, source: Source):
    async def run() -> None:
        async with source.running(), running(tmp_path, source) as (_, address):
            async with connect(f"ws://{address}/quotes") as one, connect(
                f"ws://{address}/quotes"
            ) as two:
                for listener in (one, two):
                    assert json.loads(await listener.recv())["last"] == 0
                await source.send(1, "4.51")
                for listener in (one, two):
                    quote = json.loads(await listener.recv())
                    assert quote == {"number": 1, "symbol": "TEA", "price": "4.51"}

    asyncio.run(run())


def test_who_comes_again_gets_what_he_missed(tmp_path, source: Source):
    async def run() -> None:
        async with source.running():
            async with running(tmp_path, source) as (quotes, _):
                for number in (1, 2, 3):
                    await source.send(number)
                await until(lambda: quotes.health()["last"] == 3)
            # Another process, with the same volume.
            async with running(tmp_path, source) as (_, address):
                async with connect(f"ws://{address}/quotes?since=1") as listener:
                    await listener.recv()
                    await source.send(4)
                    got = [json.loads(await listener.recv())["number"] for _ in range(3)]
                    assert got == [2, 3, 4]

    asyncio.run(run())


def test_a_listener_that_is_cut_off_misses_nothing(tmp_path, source: Source):
    async def run() -> None:
        async with source.running(), running(tmp_path, source) as (quotes, address):
            listening = follow(f"ws://{address}")
            first = asyncio.ensure_future(anext(listening))
            await until(lambda: quotes.health()["listeners"] == 1)
            await source.send(1)
            assert (await first).number == 1
            for listener in set(quotes._listeners):
                listener.transport.abort()
            await source.send(2)
            assert (await anext(listening)).number == 2
            await listening.aclose()

    asyncio.run(run())


def test_without_its_prices_it_serves_and_is_not_ready(tmp_path, source: Source):
    async def run() -> None:
        async with source.running():
            async with running(tmp_path, source) as (quotes, address):
                await source.send(1)
                await until(lambda: quotes.is_ready)
                assert (await ask(address, "/health?ready"))[0] == 200
                await until(lambda: not quotes.is_ready)
                status, told = await ask(address, "/health?ready")
                assert (status, told["status"], told["prices"]) == (503, "degraded", "stale")
                assert (await ask(address, "/health"))[0] == 200
                await source.send(2)
                await until(lambda: quotes.is_ready)

    asyncio.run(run())


def test_a_source_that_is_lost_is_found_again(tmp_path, source: Source):
    async def run() -> None:
        async with source.running():
            pass
        async with running(tmp_path, source) as (quotes, _):
            await asyncio.sleep(0.3)
            async with source.running():
                await source.send(1)
                await until(lambda: quotes.health()["last"] == 1)

    asyncio.run(run())


@pytest.mark.parametrize("text", ["no JSON", "{}", "[1]", '{"number": "x", "symbol": 1}'])
def test_what_is_no_price_is_not_kept(tmp_path, source: Source, text: str):
    async def run() -> None:
        async with source.running(), running(tmp_path, source) as (quotes, _):
            await source.send_text(text)
            await source.send(5)
            await until(lambda: quotes.health()["last"] == 5)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/quotes", 426), ("/quotes?since=x", 426)]
)
def test_other_requests_are_refused(tmp_path, source: Source, path: str, status: int):
    async def run() -> None:
        async with source.running(), running(tmp_path, source) as (_, address):
            assert (await ask(address, path))[0] == status

    asyncio.run(run())


def test_a_number_that_is_none_is_refused(tmp_path, source: Source):
    async def run() -> None:
        async with source.running(), running(tmp_path, source) as (_, address):
            with pytest.raises(InvalidStatus, match="400"):
                await connect(f"ws://{address}/quotes?since=-1")

    asyncio.run(run())
