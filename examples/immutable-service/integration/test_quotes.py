"""The service as it will ship, with its real source of prices behind it."""

import asyncio
import json
import os
import urllib.request

from websockets.asyncio.client import connect

BASE = os.environ.get("QUOTES_ADDRESS", "quotes:8080")


def test_it_is_ready_with_fresh_prices():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{BASE}/health?ready", timeout=10) as answer:
        told = json.load(answer)
    assert (told["status"], told["prices"]) == ("ok", "fresh")


def test_quotes_come_in_their_order_and_can_be_had_again():
    async def heard(since: str, count: int) -> list[dict]:
        async with asyncio.timeout(20), connect(f"ws://{BASE}/quotes{since}") as service:
            await service.recv()
            return [json.loads(await service.recv()) for _ in range(count)]

    first = asyncio.run(heard("", 10))
    numbers = [quote["number"] for quote in first]
    assert numbers == sorted(set(numbers))
    assert {quote["symbol"] for quote in first} == {"TEA", "CUP", "POT"}
    assert asyncio.run(heard(f"?since={numbers[0]}", 9)) == first[1:]
