"""What services write and come to, brought here while they run.

A reporter, which is a container that sees the board, connects to a port of this machine's loopback:
once for each service, to pass its log on, and once for what all services have come to. Nothing else
can say something there: each connection begins with a word that only the reporter was told.
"""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import anyio
from anyio.abc import SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream

from keelway.develop.standing import parse_standing
from keelway.errors import redact
from keelway.stack.supervise import BOARD_PATH, BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    import dagger
    from anyio.abc import SocketStream, TaskGroup
    from anyio.streams.stapled import MultiListener

    from keelway._stage import Run
    from keelway.develop.standing import Standing

LOOPBACK = "127.0.0.1"
_HOST = "keelway-host"
_STATES = "@"
"""In the place of a service's name: what all have come to."""
_LONGEST_LINE = 64 * 1024
_FLUSH_S = 10.0
"""The reporter's last words are waited for so long."""


class Listener(Protocol):
    """Whoever wants to know what services do."""

    def wrote(self, service: str, text: str) -> None:
        """Take a line that a service wrote."""
        ...

    def came(self, standing: Standing) -> None:
        """Take what a service has come to."""
        ...

    def noted(self, service: str, text: str) -> None:
        """Take what keelway has to say of a service."""
        ...


class Hub:
    """The place on this machine where the reporter reports to."""

    def __init__(
        self,
        listening: MultiListener[SocketStream],
        services: Sequence[str],
        listener: Listener,
    ) -> None:
        """Expect reports of these services."""
        self._listening = listening
        self.port: int = listening.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
        self.services = tuple(services)
        self.token = secrets.token_hex(16)
        self.hidden: Callable[[], Iterable[str]] = tuple
        """Gives the secrets that nothing shown may have."""
        self._listener = listener
        self._open = 0
        self._quiet = anyio.Event()
        self._scopes: set[anyio.CancelScope] = set()

    async def serve(self, group: TaskGroup) -> None:
        """Take what the reporter says, until cancelled; what is begun then goes on in the group."""
        await self._listening.serve(self._take_apart, group)

    async def _take_apart(self, stream: SocketStream) -> None:
        # Shielded, for services have a last word when all is stopped.
        with anyio.CancelScope(shield=True) as scope:
            self._scopes.add(scope)
            await self._take(stream)
        self._scopes.discard(scope)

    def close(self) -> None:
        """Listen no longer."""
        for scope in self._scopes:
            scope.cancel()

    async def _take(self, stream: SocketStream) -> None:
        async with stream:
            lines = BufferedByteReceiveStream(stream)
            ended = (anyio.IncompleteRead, anyio.DelimiterNotFound, anyio.EndOfStream)
            with suppress(*ended, anyio.BrokenResourceError, OSError):
                head = await lines.receive_until(b"\n", 256)
                token, _, name = head.decode(errors="replace").partition(" ")
                if not secrets.compare_digest(token.encode(), self.token.encode()):
                    return
                self._open += 1
                try:
                    await self._take_all(name, lines)
                finally:
                    self._open -= 1
                    if not self._open:
                        self._quiet.set()

    async def flushed(self) -> None:
        """Wait until the reporter, which has been told to end, has said all."""
        with anyio.move_on_after(_FLUSH_S):
            while self._open:
                await self._quiet.wait()
                self._quiet = anyio.Event()

    async def _take_all(self, name: str, lines: BufferedByteReceiveStream) -> None:
        while True:
            text = (await _line(lines)).decode(errors="replace").rstrip("\r\n")
            if name != _STATES:
                self._listener.wrote(name, redact(text, self.hidden()))
                continue
            with suppress(ValueError):
                now = time.monotonic()
                self._listener.came(parse_standing(redact(text, self.hidden()), now))


async def _line(lines: BufferedByteReceiveStream) -> bytes:
    """Return a line, or a part of one that is too long, or that nothing follows."""
    try:
        return await lines.receive_until(b"\n", _LONGEST_LINE)
    except (anyio.DelimiterNotFound, anyio.IncompleteRead):
        if not lines.buffer:
            raise anyio.EndOfStream from None
        return await lines.receive(_LONGEST_LINE)


@asynccontextmanager
async def open_hub(services: Sequence[str], listener: Listener) -> AsyncGenerator[Hub]:
    """Give a place for a reporter to report to, for the time of the block."""
    async with await anyio.create_tcp_listener(local_host=LOOPBACK) as listening:
        yield Hub(listening, services, listener)


def reporter(run: Run, hub: Hub, busybox: dagger.File, board: dagger.CacheVolume) -> dagger.Service:
    """Return the service that reports to the hub; it is not started yet."""
    import dagger  # noqa: PLC0415 - the SDK is for those who have an engine

    forward = dagger.PortForward(backend=hub.port, frontend=hub.port)
    host = run.dag.host().service([forward], host=LOOPBACK)
    script = report_script(hub.services, host=_HOST, port=hub.port, token=hub.token)
    return (
        run.dag.container()
        .with_mounted_file(BUSYBOX_PATH, busybox)
        .with_mounted_cache(BOARD_PATH, board)
        .with_service_binding(_HOST, host)
        .as_service(args=[BUSYBOX_PATH, "sh", "-c", script])
    )


def report_script(services: Iterable[str], *, host: str, port: int, token: str) -> str:
    """Return the script of the reporter, for BusyBox."""
    import shlex  # noqa: PLC0415 - only here

    return _REPORT.format(
        busybox=BUSYBOX_PATH,
        board=BOARD_PATH,
        services=shlex.join(services),
        host=host,
        port=port,
        token=token,
        states=_STATES,
    )


_REPORT = """\
B={busybox}; board={board}; token={token}; over=$board/.reported
get() {{ got=; [ ! -f "$1" ] || read -r got <"$1" || :; }}
log() {{
  echo "$token $1"
  while [ ! -f "$board/$1/log" ]; do [ ! -f "$over" ] || return; "$B" usleep 100000; done
  exec 3<"$board/$1/log"
  while :; do
    last=; [ ! -f "$over" ] || last=1
    "$B" cat <&3
    [ -z "$last" ] || return
    "$B" usleep 150000
  done
}}
states() {{
  echo "$token {states}"
  while :; do
    last=; [ ! -f "$over" ] || last=1
    for name in {services}; do
      get "$board/$name/code"; now=$got; get "$board/$name/restarts"; now=$now\\|$got
      get "$board/$name/why"; now=$now\\|$got; get "$board/$name/state"; now="$name|$got|$now"
      case $said in *"<$now>"*) ;; *) [ -z "$got" ] || echo "$now" ;; esac
      all="$all<$now>"
    done
    said=$all; all=
    [ -z "$last" ] || return
    "$B" usleep 300000
  done
}}
trap ': >"$over"; wait; exit 0' TERM INT
"$B" rm -f "$over"
for name in {services}; do log "$name" | "$B" nc {host} {port} >/dev/null & done
states | "$B" nc {host} {port} >/dev/null &
while [ ! -f "$over" ]; do "$B" usleep 200000; done
wait
"""
