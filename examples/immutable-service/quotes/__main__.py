"""The commands of the service.

    python -m quotes serve     serve (what the image does)
    python -m quotes health    ask the service on this host how it is; exit code 1 when it is not
    python -m quotes ready     ask it whether prices are fresh; exit code 1 when they are not
    python -m quotes listen [URL]    print quotes until Ctrl-C, over every reconnection
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import urllib.request
from collections.abc import Callable

from quotes.settings import Settings


def serve(settings: Settings, _: list[str]) -> int:
    """Serve until SIGTERM."""
    from quotes.service import Quotes

    async def run() -> None:
        task = asyncio.ensure_future(Quotes(settings).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # A line for each health check is none that anybody reads.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    asyncio.run(run())
    return 0


def health(settings: Settings, _: list[str]) -> int:
    """Ask whether it serves."""
    return _ask(settings, "/health")


def ready(settings: Settings, _: list[str]) -> int:
    """Ask whether prices are fresh."""
    return _ask(settings, "/health?ready")


def listen(settings: Settings, arguments: list[str]) -> int:
    """Print quotes; each once, whatever becomes of the connection."""
    from quotes.client import follow

    async def run() -> None:
        async for quote in follow(arguments[0] if arguments else f"ws://127.0.0.1:{settings.port}"):
            print(quote.number, quote.symbol, quote.price, flush=True)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
    return 0


def _ask(settings: Settings, path: str) -> int:
    # Straight to this host, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{settings.port}{path}", timeout=3) as answer:
            print(answer.read().decode().strip())
    except OSError as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1
    return 0


COMMANDS: dict[str, Callable[[Settings, list[str]], int]] = {
    "serve": serve,
    "health": health,
    "ready": ready,
    "listen": listen,
}


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m quotes {{{','.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](Settings.from_environment(), arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
