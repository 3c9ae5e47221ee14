"""What is written down of a rollout: the same entry on each of its hosts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.history import append
from keelway.errors import KeelwayError
from keelway.model.history import DeliveryOutcome, HistoryEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from keelway._stage import Clock
    from keelway.deploy.lock import Place
    from keelway.deploy.target import Checked, HostsSpec, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """Writes the history of one rollout."""

    places: Sequence[Place]
    spec: HostsSpec
    task: Task
    clock: Clock
    began: datetime

    def entry(
        self, outcome: DeliveryOutcome, release: Checked, *, replaced: str | None
    ) -> HistoryEntry:
        """Return an entry of this run, as of now."""
        now = self.clock.now()
        return HistoryEntry(
            at=now,
            event=self.task.event,
            outcome=outcome,
            project=self.spec.project,
            environment=self.spec.environment,
            target=self.spec.name,
            hosts=tuple(host.name for host, _ in self.places),
            version=release.wanted.version,
            images=dict(release.images),
            evidence=release.evidence,
            actor=self.task.actor,
            duration_s=None
            if outcome is DeliveryOutcome.STARTED
            else round((now - self.began).total_seconds(), 1),
            replaced=replaced,
            reason=self.task.reason,
            run=self.task.run,
        )

    async def write(self, entry: HistoryEntry) -> None:
        """Write an entry down on every host; one that cannot be reached is told, and passed over.

        What happened has happened: that it could not be written down must not undo it.
        """
        now = replace(entry, at=self.clock.now())

        async def one(place: Place) -> None:
            host, layout = place
            try:
                await append(host, layout, now)
            except KeelwayError as error:
                self.task.tell(f"{host.name}: the history misses this: {error.message}")

        await each(one, self.places)
