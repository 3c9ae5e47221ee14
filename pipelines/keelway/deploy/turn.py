"""One run over the hosts of a target: what all of its steps need, and what they work on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.history import clock_of, skew_note
from keelway.deploy.lock import still_ours
from keelway.deploy.side import look_at
from keelway.deploy.site import Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keelway._stage import Clock
    from keelway.deploy.host import Host
    from keelway.deploy.journal import Journal
    from keelway.deploy.lock import Holder, Place
    from keelway.deploy.notebook import Notebook
    from keelway.deploy.side import Side
    from keelway.deploy.site import Placed, Strategy
    from keelway.deploy.target import HostsSpec, Kit, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One run over the hosts of a target."""

    spec: HostsSpec
    task: Task
    kit: Kit
    places: Sequence[Place]
    """The hosts, connected, in the order in which they get the new version."""
    clock: Clock
    holder: Holder
    """Who has the locks."""
    notebook: Notebook

    def tell(self, host: Host) -> Callable[[str], None]:
        """Return what takes a line about a host."""
        return lambda words: self.task.tell(f"{host.name}: {words}")

    async def look(self) -> tuple[Side, ...]:
        """Return what is on the hosts, and tell of clocks that differ.

        Raises:
            HostError: A host is lost, or what it keeps was damaged.
            StageError: A host has nothing that runs containers.
        """
        return await each(self._look, self.places)

    async def _look(self, place: Place) -> Side:
        host, layout = place
        for note in skew_note(host.name, await clock_of(host), self.clock.now()):
            self.task.tell(note)
        return await look_at(host, layout, await self.kit.find_runtime(host))

    def strategy(self, name: str, side: Side) -> Strategy:
        """Return the strategy of a name, for a host."""
        return self.kit.strategy(name, side.host, self.task)

    def working(
        self, side: Side, journal: Journal, wanted: Placed, current: Placed | None
    ) -> Working:
        """Return a host to work on, with the strategy that its journal names."""
        site = Site(
            host=side.host,
            runtime=side.runtime,
            layout=side.layout,
            wanted=wanted,
            current=current,
            journal=journal,
            pace=self.spec.pace,
            tell=self.tell(side.host),
        )
        strategy = self.strategy(journal.document.strategy, side)
        own = partial(still_ours, side.host, side.layout, self.holder)
        return Working(site=site, strategy=strategy, still_ours=own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A host that is worked on, and how."""

    site: Site
    strategy: Strategy
    still_ours: Callable[[], Awaitable[None]]
    """Raises when somebody took the lock away."""
