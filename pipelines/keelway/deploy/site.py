"""One host in one rollout, and what a strategy is: how a new version takes an old one's place."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence

    from keelway.deploy.host import Host
    from keelway.deploy.journal import Journal
    from keelway.deploy.layout import Layout
    from keelway.deploy.release import Colour, Live, Release
    from keelway.deploy.unit import ServiceState, Unit


class Runtime(Protocol):
    """What is asked of Docker or Podman; `keelway.deploy.runtime` finds it on a host."""

    async def disk_free(self) -> int:
        """Return how many bytes are free where images and volumes are kept."""
        ...

    async def up(self, unit: Unit, services: Sequence[str] = ()) -> None:
        """Start what does not run as its file says, and replace what runs otherwise."""
        ...

    async def states(self, unit: Unit) -> tuple[ServiceState, ...]:
        """Return what the containers of a unit are at."""
        ...

    async def wait_healthy(
        self, unit: Unit, timeout_s: float, services: Collection[str] = ()
    ) -> None:
        """Return when services are healthy, all when empty; raise with the last words of one."""
        ...

    async def stop(self, unit: Unit, services: Sequence[str] = (), timeout_s: float = 10) -> None:
        """Stop containers, and keep them."""
        ...

    async def down(self, unit: Unit) -> None:
        """Stop and remove the containers of a unit; its volumes stay."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take. Seconds."""

    health_timeout_s: float = 120
    drain_s: float = 30
    keep_old_s: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A release on this host, and the colour it has here."""

    release: Release
    live: Live

    @property
    def colour(self) -> Colour | None:
        """Return its colour; nothing where there are none."""
        return self.live.colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One host of one rollout: all that a strategy works on."""

    host: Host
    runtime: Runtime
    layout: Layout
    wanted: Placed
    """What comes. Its files are there and its images pulled before a strategy begins."""
    current: Placed | None
    """What was there before; nothing at the first deployment."""
    journal: Journal
    pace: Pace
    tell: Callable[[str], None]
    """Takes one line about the progress."""

    def unit(self, placed: Placed, part: str = "") -> Unit:
        """Return the compose project of a release's part: of a colour, `shared`, or of it all."""
        return self.layout.unit(placed.release.id, part)

    def units(self, placed: Placed) -> tuple[Unit, ...]:
        """Return what runs when a release does: the shared part, and the one of its colour."""
        others = {"blue", "green"} - {placed.colour}
        return tuple(self.unit(placed, part) for part in placed.release.parts if part not in others)

    @asynccontextmanager
    async def step(self, name: str, words: str) -> AsyncGenerator[None]:
        """Do a step: it is in the journal before it begins, and once it is done.

        Args:
            name: What the journal calls it; the same one may be done again.
            words: What people read while it is done.
        """
        self.tell(words)
        await self.journal.begin(name)
        yield
        await self.journal.end(name)


class Strategy(Protocol):
    """How a new version takes an old one's place on a host.

    Whoever calls has the lock, and does what concerns all hosts: files, images, history. A kill may
    come between any two lines: `back` and `settle` are called again then, in another process, with
    what the journal says; so what they need beyond the site is put in by `journal.remember`
    before the thing is done.
    """

    @property
    def name(self) -> str:
        """Return what the configuration calls it."""
        ...

    def colour(self, current: Live | None) -> Colour | None:
        """Return the colour that a new version gets; nothing where there are none."""
        ...

    async def bring(self, site: Site) -> None:
        """Make the new version serve; raise when it is no good, or cannot be told."""
        ...

    async def back(self, site: Site) -> None:
        """Make the old version serve again, and nothing of the new one run.

        Image, configuration and proxy: all as before. At the first deployment nothing is left. Safe
        to do twice, and from wherever `bring` came to.
        """
        ...

    async def settle(self, site: Site) -> None:
        """Stop what is left of the old version; the new one serves on all hosts. Safe twice."""
        ...

    async def serves(self, host: Host, live: Live) -> bool:
        """Return whether requests go to what runs, by the configuration of today.

        Only what is beside the containers is looked at; nothing is changed.
        """
        ...
