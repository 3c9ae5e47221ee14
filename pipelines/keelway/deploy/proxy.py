"""NGINX on a host: it is pointed at who answers, without losing a request.

A broken configuration is never loaded: NGINX tests all of it before it is told to read it, and
where it says no, the former file is there again, to the byte.

What a reload would cost: old workers close the idle connections of clients that keep them, and a
request that is just on its way over one is lost. NGINX 1.27.4 and newer wait for it by themselves.
Before an older one is reloaded, all answers end their connection for a while, so that clients that
are active have none left that could be cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import basename, dirname, join
from typing import TYPE_CHECKING

import anyio

from keelway.deploy.host import STAGE, HostError
from keelway.deploy.nginx import (
    KEEPS_ALIVE,
    About,
    Upstream,
    is_read_by,
    read_about,
    read_upstreams,
    render,
)
from keelway.deploy.workers import LIST_SCRIPT, Workers, parse_workers
from keelway.errors import StageError, tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.host import Host, Ran
    from keelway.deploy.nginx import Front

_FIRST_LOOK_S = 0.05
_LONGEST_LOOK_S = 1.0


class ProxyError(StageError):
    """NGINX did not take a configuration; what it served before it serves still."""

    def __init__(
        self, message: str, *, host: str, why: str | None = None, next_step: str | None = None
    ) -> None:
        """Keep on which host it is; `why` has NGINX's own words."""
        super().__init__(message, stage=STAGE, why=why, next_step=next_step)
        self.host = host


@dataclass(frozen=True, slots=True, kw_only=True)
class NginxAt:
    """How NGINX is reached on its host."""

    file: str
    """The file that keelway writes, as the host sees it."""
    file_inside: str | None = None
    """The same one as NGINX sees it, where it runs in a container: a folder is mounted there, for
    a file that is mounted by itself stays the old one when a new one takes its name."""
    inside: tuple[str, ...] = ()
    """What runs a command where NGINX runs, as in `docker exec edge`."""
    command: tuple[str, ...] = ("nginx",)
    reload: tuple[str, ...] = ()
    """What makes it read its configuration again; `command` with `-s reload` when empty."""
    announce_s: float = 5
    """Seconds for which clients are told to let go of their connections, before NGINX is reloaded
    that does not do so by itself."""
    patience_s: float = 30
    """Seconds that it has to start its new workers."""

    @property
    def closing(self) -> str:
        """Return the file that says that connections end, as the host sees it."""
        return _beside(self.file, "closing")

    @property
    def closing_inside(self) -> str:
        """Return the same one as NGINX sees it."""
        return _beside(self.file_inside or self.file, "closing")

    @property
    def loaded(self) -> str:
        """Return the file that holds what was loaded last."""
        return _beside(self.file, "loaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyState:
    """What NGINX was told at one moment."""

    file: bytes | None
    """The file, to the byte; nothing where there was none."""
    upstreams: tuple[Upstream, ...]
    """Where it pointed."""


class Proxy:
    """One front of an NGINX.

    All methods raise `HostError` when the host is lost, and `ProxyError` when NGINX does not do as
    it is told.
    """

    def __init__(self, host: Host, at: NginxAt, front: Front) -> None:
        """Keep where it is and what it offers."""
        self._host = host
        self._at = at
        self._front = front

    async def read(self) -> ProxyState:
        """Return what NGINX is told now."""
        data = await self._host.read(self._at.file)
        return ProxyState(file=data, upstreams=read_upstreams(data))

    async def point(self, upstreams: Sequence[Upstream]) -> bool:
        """Point it at these, and return whether anything had to change.

        When it returns, every new connection is served by the new configuration.

        Raises:
            ProxyError: NGINX refused it or did not take it; the former one serves.
            HostError: The host was lost.
        """
        about = await self._about()
        return await self._load(self._rendered(upstreams, about), about)

    async def points(self, upstreams: Sequence[Upstream]) -> bool:
        """Return whether it runs and points at these; nothing is changed."""
        about = await self._about()
        wanted = self._rendered(upstreams, about)
        if not await self._is_loaded(wanted, await self._host.read(self._at.file)):
            return False
        _ = await self._workers(self._pid_file(await self._tested(wanted), about))
        return True

    async def restore(self, state: ProxyState) -> bool:
        """Bring back exactly what was read before, and return whether anything had to change."""
        return await self._load(state.file, await self._about())

    async def drained(self, timeout_s: float) -> bool:
        """Wait until the requests that came in before the last change have ended.

        Returns:
            Whether they have; otherwise the time is over.

        Raises:
            ProxyError: NGINX does not run.
            HostError: The host was lost.
        """
        about = await self._about()
        # Right or not: it says where the pid file is.
        dump = (await self._nginx("-T")).stdout.decode(errors="replace")
        pid_file = self._pid_file(dump, about)
        with anyio.move_on_after(timeout_s):
            pause = _FIRST_LOOK_S
            while (await self._workers(pid_file)).going:
                await anyio.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_LOOK_S)
            return True
        return False

    async def _load(self, wanted: bytes | None, about: About) -> bool:
        at = self._at
        before = await self._host.read(at.file)
        if await self._is_loaded(wanted, before):
            await self._remove(at.closing)
            return False
        told = False
        try:
            await self._put(wanted)
            pid_file = self._pid_file(await self._tested(wanted), about)
            workers = await self._workers(pid_file)
            if before is not None and about.version < KEEPS_ALIVE and at.announce_s:
                await self._host.write(at.closing, b"", mode=0o644)
                await anyio.sleep(at.announce_s)
            told = True
            await self._reload()
            await self._taken_over(workers, pid_file)
            await self._host.write(at.loaded, wanted or b"")
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await self._undo(before, error, told=told)
            raise
        await self._remove(at.closing)
        return True

    def _rendered(self, upstreams: Sequence[Upstream], about: About) -> bytes:
        closing = self._at.closing_inside
        return render(self._front, upstreams, closing=closing, version=about.version)

    async def _is_loaded(self, wanted: bytes | None, before: bytes | None) -> bool:
        return before == wanted and (await self._host.read(self._at.loaded) or None) == wanted

    async def _undo(self, before: bytes | None, error: BaseException, *, told: bool) -> None:
        """Put the former file back; a host that is lost keeps the new one until it is repaired."""
        try:
            await self._put(before)
            if told:
                await self._reload()
            await self._remove(self._at.closing)
        except (HostError, ProxyError) as another:
            error.add_note(f"the former {self._at.file} is not back: {another.message}")

    async def _put(self, data: bytes | None) -> None:
        if data is None:
            await self._remove(self._at.file)
        else:
            await self._host.write(self._at.file, data)

    async def _remove(self, path: str) -> None:
        ran = await self._host.run(("rm", "-f", path))
        if ran.code:
            raise self._error(f"{path} cannot be removed", ran)

    async def _about(self) -> About:
        ran = await self._nginx("-V")
        try:
            return read_about(f"{ran.stderr.decode(errors='replace')}\n{ran.text}")
        except ValueError:
            raise self._error(
                "NGINX cannot be asked", ran, "install it there, or correct deploy.NAME.proxy"
            ) from None

    async def _tested(self, wanted: bytes | None) -> str:
        """Return all of its configuration as NGINX reads it, after it found it right."""
        ran = await self._nginx("-T")
        dump = ran.stdout.decode(errors="replace")
        if ran.code:
            raise self._error(
                "NGINX refuses the new configuration: it was not loaded",
                ran,
                "correct what NGINX names: its own files, or the keys of deploy.NAME.proxy",
            )
        if wanted is not None and not is_read_by(dump, wanted):
            raise ProxyError(
                f"NGINX on {self._host.name} does not read {self._at.file}",
                host=self._host.name,
                why="`nginx -T` does not show it",
                next_step="include it in the http block of nginx.conf; where NGINX runs in a "
                "container, mount the folder, not the file",
            )
        return dump

    async def _reload(self) -> None:
        if self._at.reload:
            ran = await self._host.run(self._at.reload)
        else:
            ran = await self._nginx("-s", "reload")
        if ran.code:
            raise self._error("NGINX cannot be reloaded", ran, "start it, and deploy again")

    async def _taken_over(self, before: Workers, pid_file: str) -> None:
        try:
            with anyio.fail_after(self._at.patience_s):
                pause = _FIRST_LOOK_S
                while not (await self._workers(pid_file)).took_over_from(before):
                    await anyio.sleep(pause)
                    pause = min(pause * 1.5, _LONGEST_LOOK_S)
        except TimeoutError:
            raise ProxyError(
                f"NGINX on {self._host.name} did not take the new configuration",
                host=self._host.name,
                why=f"its workers are the same ones {self._at.patience_s:g} s after the reload",
                next_step="its error log tells why: often an address that something else has",
            ) from None

    def _pid_file(self, dump: str, about: About) -> str:
        return about.pid_file_by(dump, self._at.command)

    async def _workers(self, pid_file: str) -> Workers:
        ran = await self._host.run((*self._at.inside, "sh", "-c", LIST_SCRIPT, "sh", pid_file))
        workers = parse_workers(ran.text)
        if ran.code or not (workers.taking or workers.going):
            raise ProxyError(
                f"NGINX does not run on {self._host.name}",
                host=self._host.name,
                why=ran.complaint or f"the process that {pid_file} names has no workers",
                next_step="start it, and deploy again",
            )
        return workers

    async def _nginx(self, *arguments: str) -> Ran:
        return await self._host.run((*self._at.inside, *self._at.command, *arguments))

    def _error(self, what: str, ran: Ran, next_step: str | None = None) -> ProxyError:
        said = ran.stderr.decode(errors="replace").strip() or f"exit code {ran.code}"
        return ProxyError(
            f"{what} ({self._host.name})",
            host=self._host.name,
            why=tail(said, 8),
            next_step=next_step,
        )


def _beside(path: str, what: str) -> str:
    # With a dot first no pattern of an `include` fits it.
    return join(dirname(path), f".{basename(path)}.{what}")
