"""Services that say which version they are: a process each, as a container would be."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = """\
import asyncio, sys

colour = sys.argv[1].encode()
holding = 0
released = asyncio.Event()

async def serve(reader, writer):
    global holding
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            path = head.split(b" ", 2)[1]
            length = 0
            for line in head.split(b"\\r\\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = await reader.readexactly(length)
            status, said = b"200 OK", colour
            if path.startswith(b"/slow/"):
                await asyncio.sleep(float(path.rsplit(b"/", 1)[1]))
            elif path == b"/held":
                holding += 1
                await released.wait()
            elif path == b"/release":
                released.set()
            elif path == b"/holding":
                said = str(holding).encode()
            elif path == b"/broken" or sys.argv[2] == "sick":
                status, said = b"503 Service Unavailable", b"sick"
            writer.write(b"HTTP/1.1 %b\\r\\n" % status)
            writer.write(b"Content-Length: %d\\r\\n\\r\\n%b" % (len(said), said))
            await writer.drain()
            if b"connection: close" in head:
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[3]), backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def started(name: str, *, sick: bool = False, port: int = 0) -> tuple[subprocess.Popen[str], int]:
    """Return a process that serves, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _PROGRAM, name, "sick" if sick else "well", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    assert said, f"the service did not start at port {port}"
    return process, int(said)


def ended(process: subprocess.Popen[str]) -> None:
    """End a process; one that is gone already stays so."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextlib.contextmanager
def colour(name: str, *, sick: bool = False) -> Iterator[str]:
    """Serve until the end of the block, and yield `host:port`.

    Every path answers the name: `/slow/SECONDS` later, `/held` once `/release` was asked, `/broken`
    with 503 as a sick one always does. `/holding` tells how many came for `/held`.
    """
    process, port = started(name, sick=sick)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        ended(process)
