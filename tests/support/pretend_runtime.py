"""A runtime without containers: what serves is a file, put there by commands on the host.

Quick enough to break a deployment at every step. What a unit's file says happens: `good`,
`unhealthy`, or `broken` for one that does not even start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.deploy.host import HostError
from keelway.deploy.strategies.recreate import Recreate
from keelway.deploy.unit import ServiceState
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from keelway.deploy.host import Host, Ran
    from keelway.deploy.release import Release
    from keelway.deploy.side import Side
    from keelway.deploy.site import Placed, Runtime, Site, Strategy
    from keelway.deploy.target import Task
    from keelway.deploy.unit import Unit


def serving(folder: Path) -> str | None:
    """Return the version that serves from a target's folder; nothing when none does."""
    found = [one.read_text() for one in (folder / "run").glob("*")] if folder.exists() else []
    assert len(found) <= 1, found
    return found[0].split()[0] if found else None


class PretendRuntime:
    """Starts a unit by copying its file to `run/<project>` in the target's folder."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def _place(self, unit: Unit) -> str:
        return f"{unit.folder.partition('/releases/')[0]}/run/{unit.project}"

    async def disk_free(self) -> int:
        return 10**12

    async def up(self, unit: Unit, services: Collection[str] = ()) -> None:
        assert not services
        place = self._place(unit)
        script = 'mkdir -p "${2%/*}" && ! grep -q broken "$1" && cp "$1" "$2"'
        ran = await self.host.run(("sh", "-c", script, "up", f"{unit.folder}/compose.yaml", place))
        if ran.code:
            raise StageError(f"{unit.project} does not start", stage="deploy")

    async def states(self, unit: Unit) -> tuple[ServiceState, ...]:
        data = await self.host.read(self._place(unit))
        if data is None:
            return ()
        return (
            ServiceState(
                service="app", container="c", status="running",
                health="unhealthy" if b"unhealthy" in data else "healthy",
                exit_code=0, image="app", image_id="1",
            ),
        )  # fmt: skip

    async def wait_healthy(
        self, unit: Unit, timeout_s: float, services: Collection[str] = ()
    ) -> None:
        del timeout_s, services
        for state in await self.states(unit):
            if state.health != "healthy":
                raise StageError("app is unhealthy", stage="deploy", why="GET / answers 500")

    async def stop(self, unit: Unit, services: Collection[str] = (), timeout_s: float = 10) -> None:
        del services, timeout_s
        await self.down(unit)

    async def down(self, unit: Unit) -> None:
        await self.host.run(("rm", "-f", self._place(unit)))


@dataclass(slots=True)
class PretendKit:
    """Releases whose only file says what happens to them, host by host."""

    fate: Callable[[str, str], str] = lambda _version, _host: "good"
    """By version and host."""
    strategy_name: str = "recreate"
    parts: tuple[str, ...] = ("",)
    fetched: list[str] = field(default_factory=list)

    async def find_runtime(self, host: Host) -> Runtime:
        return PretendRuntime(host)

    def strategy(self, name: str, host: Host, task: Task) -> Strategy:
        del host, task
        assert name == "recreate"
        return Recreate()

    async def put(self, site: Site, release: Release) -> None:
        text = f"{release.version} {self.fate(release.version, site.host.name)}\n"
        await site.host.write(f"{site.layout.release(release.id)}/compose.yaml", text.encode())

    async def is_put(self, side: Side, current: Placed) -> bool:
        version = current.release.version
        text = f"{version} {self.fate(version, side.host.name)}\n"
        path = f"{side.layout.release(current.release.id)}/compose.yaml"
        return await side.host.read(path) == text.encode()

    async def fetch(self, site: Site) -> None:
        self.fetched.append(site.wanted.release.version)


class CutHost:
    """A host that is lost for good at one moment: by the n-th time that its journal is written."""

    def __init__(self, inner: Host, cut: Cut) -> None:
        self.inner = inner
        self.name = inner.name
        self.cut = cut

    def _check(self) -> None:
        if self.cut.is_over:
            raise HostError(f"{self.name} is lost", host=self.name)

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        self._check()
        if words[-1].endswith("/journal.json"):
            self.cut.count()
            self._check()
        return await self.inner.run(words, given=given, timeout_s=timeout_s)

    async def read(self, path: str) -> bytes | None:
        self._check()
        return await self.inner.read(path)

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        self._check()
        if path.endswith("/journal.json"):
            if not self.cut.late:
                self.cut.count()
                self._check()
            await self.inner.write(path, data, mode=mode)
            if self.cut.late:
                self.cut.count()
            return
        await self.inner.write(path, data, mode=mode)


@dataclass(slots=True)
class Cut:
    """When everything is lost: as when whoever deploys is killed."""

    at: int
    late: bool
    """After the journal was written, not before."""
    seen: int = 0
    is_over: bool = False

    def count(self) -> None:
        """See one more writing."""
        self.is_over = self.is_over or self.seen == self.at
        self.seen += 1
