"""Sends prices to whoever connects; the number of each is its time, so that it only ever grows.

python -m prices           serve on port 8081 (PRICES_PORT), a price each PRICES_EVERY_MS
python -m prices health    connect and wait for one; exit code 1 where none comes
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import time
from decimal import Decimal

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import WebSocketException

PORT = int(os.environ.get("PRICES_PORT", "8081"))
EVERY_S = int(os.environ.get("PRICES_EVERY_MS", "50")) / 1000
START = {"TEA": Decimal("4.50"), "CUP": Decimal("12.00"), "POT": Decimal("31.90")}
_CENT = Decimal("0.01")


async def send(listeners: set[ServerConnection]) -> None:
    """Move one price after the other by a few cents, and tell everybody."""
    prices = dict(START)
    for symbol in itertools.cycle(START):
        await asyncio.sleep(EVERY_S)
        prices[symbol] = max(prices[symbol] + _CENT * random.randint(-5, 5), _CENT)
        price = {"number": time.time_ns() // 1_000_000, "symbol": symbol, "price": str(prices[symbol])}
        broadcast(listeners, json.dumps(price))


async def run() -> None:
    """Serve until SIGTERM."""
    listeners: set[ServerConnection] = set()

    async def listen(listener: ServerConnection) -> None:
        listeners.add(listener)
        try:
            await listener.wait_closed()
        finally:
            listeners.discard(listener)

    task = asyncio.ensure_future(send(listeners))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with serve(listen, "0.0.0.0", PORT, server_header=None, compression=None):
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def health() -> int:
    """Return 0 when a price comes."""
    try:
        async with asyncio.timeout(3), connect(f"ws://127.0.0.1:{PORT}", proxy=None) as source:
            print(await source.recv())
    except (OSError, TimeoutError, WebSocketException) as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["health"]:
        sys.exit(asyncio.run(health()))
    asyncio.run(run())
