"""The portal's commands.

    python -m portal web       serve the pages (what the image portal-web does)
    python -m portal worker    do what waits (what the image portal-worker does)
    python -m portal health    ask the one on this host how it is; exit code 1 when it is not
    python -m portal ready     ask it whether its database is there; exit code 1 when it is not
"""

from __future__ import annotations

import sys
import urllib.request

from portal.settings import Settings


def serve(settings: Settings, part: str) -> int:
    import uvicorn

    uvicorn.run(
        f"portal.{part}:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        server_header=False,
    )
    return 0


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


def main(arguments: list[str]) -> int:
    settings = Settings.from_environment()
    match arguments:
        case ["web" | "worker" as part]:
            return serve(settings, part)
        case ["health"]:
            return ask(settings, "/health")
        case ["ready"]:
            return ask(settings, "/health?ready")
    print("usage: python -m portal {web,worker,health,ready}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
