"""A listener as the service wants them: it comes again, and says what it has already."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from quotes.journal import Quote

_PAUSE_S = 0.05


async def follow(url: str) -> AsyncIterator[Quote]:
    """Yield every quote from now on, each once, over as many connections as it takes."""
    last: int | None = None
    while True:
        try:
            asked = f"{url.rstrip('/')}/quotes" + ("" if last is None else f"?since={last}")
            async with connect(asked, proxy=None, compression=None) as service:
                hello = json.loads(await service.recv())
                last = hello["last"] if last is None else last
                async for message in service:
                    quote = Quote(**json.loads(message))
                    if quote.number > last:
                        last = quote.number
                        yield quote
        except (OSError, InvalidHandshake, ConnectionClosed):
            pass
        await asyncio.sleep(_PAUSE_S)
