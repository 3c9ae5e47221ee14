"""The commands of the service.

    python -m orders serve     serve HTTP (what the image does)
    python -m orders migrate   bring the database's schema up to date, and end
    python -m orders health    ask the service on this host how it is; exit code 1 when it is not
    python -m orders ready     ask it whether orders can be stored; exit code 1 when they cannot
    python -m orders check     say what this installation is made of, without a database
"""

from __future__ import annotations

import asyncio
import json
import platform
import sys
import urllib.request

from orders import __version__
from orders.settings import Settings


def serve(settings: Settings) -> int:
    import uvicorn

    uvicorn.run(
        "orders.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        server_header=False,
    )
    return 0


def migrate(settings: Settings) -> int:
    from orders.database import DatabaseDown, PostgresStore

    async def run() -> list[str]:
        store = PostgresStore(settings)
        await store.open()
        try:
            return await store.migrate()
        finally:
            await store.close()

    try:
        applied = asyncio.run(run())
    except DatabaseDown as error:
        print(f"the database does not answer: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")
    return 0


def health(settings: Settings) -> int:
    return ask(settings, "/health")


def ready(settings: Settings) -> int:
    return ask(settings, "/health?ready")


def ask(settings: Settings, path: str) -> int:
    # Straight to this host, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{settings.port}{path}", timeout=3) as answer:
            print(answer.read().decode())
    except OSError as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1
    return 0


def check(settings: Settings) -> int:
    """Load everything that serving needs, its compiled parts too, and say what was found."""
    import psycopg

    from orders.app import create_app
    from orders.database import migration_files

    print(
        json.dumps(
            {
                "service": "orders",
                "version": __version__,
                "machine": platform.machine(),
                "python": platform.python_version(),
                "psycopg": f"{psycopg.__version__} ({psycopg.pq.__impl__})",
                "migrations": [file.name for file in migration_files()],
                "routes": sorted({route.path for route in create_app(settings=settings).routes}),
            },
            indent=2,
        )
    )
    return 0


COMMANDS = {
    "serve": serve,
    "migrate": migrate,
    "health": health,
    "ready": ready,
    "check": check,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m orders {{{','.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](Settings.from_environment())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
