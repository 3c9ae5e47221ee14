"""What is being done on a host, written down there before and after each step.

Whoever is killed leaves it behind; the next one reads how far it came, and repairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from keelway.deploy.host import Host, HostError
from keelway.deploy.release import KEPT, Live
from keelway.model.history import DeliveryEvent

if TYPE_CHECKING:
    from keelway.deploy.layout import Layout


class Phase(StrEnum):
    """How far a deployment came on a host."""

    PREPARING = "preparing"
    """Files are written and images pulled; what runs is not touched."""
    BRINGING = "bringing"
    """What runs is being changed."""
    BROUGHT = "brought"
    """The new version serves here; the other hosts are waited for."""
    COMMITTED = "committed"
    """It serves on all hosts; what is left of the old one is to be tidied up."""
    BACK = "going-back"
    """The old version is being brought back."""


class Step(BaseModel):
    """One step of it."""

    model_config = KEPT

    name: str
    done: bool = False


class JournalDocument(BaseModel):
    """The file: `journal.json`."""

    model_config = KEPT

    rollout: str
    """The same on all hosts of one deployment."""
    event: DeliveryEvent
    """A deployment, or a rollback that somebody asked for."""
    strategy: str
    version: str
    """What people call the release that is to run."""
    wanted: Live
    """What is to run."""
    previous: Live | None = None
    """What ran before; nothing where nothing did."""
    phase: Phase = Phase.PREPARING
    steps: tuple[Step, ...] = ()
    memory: Mapping[str, Any] = {}
    """What the strategy must know to go back: JSON."""
    who: str
    run_url: str | None = None
    started_at: datetime


class Journal:
    """The file on one host, and what it says now."""

    def __init__(self, host: Host, layout: Layout, document: JournalDocument) -> None:
        """Keep where it is and what it says; nothing is written yet."""
        self._host = host
        self._path = layout.journal
        self.document = document

    async def enter(self, phase: Phase) -> None:
        """Write down that another phase begins.

        Raises:
            HostError: The host is lost.
        """
        await self._write(phase=phase)

    async def begin(self, step: str) -> None:
        """Write down that a step begins; one that was begun before is done again.

        Raises:
            HostError: The host is lost.
        """
        others = tuple(one for one in self.document.steps if one.name != step)
        await self._write(steps=(*others, Step(name=step)))

    async def end(self, step: str) -> None:
        """Write down that a step is done.

        Raises:
            HostError: The host is lost.
        """
        steps = (
            one.model_copy(update={"done": True}) if one.name == step else one
            for one in self.document.steps
        )
        await self._write(steps=tuple(steps))

    async def remember(self, key: str, value: object) -> None:
        """Write down what the strategy must know to go back.

        Args:
            key: Its name.
            value: JSON.

        Raises:
            HostError: The host is lost.
        """
        await self._write(memory={**self.document.memory, key: value})

    async def close(self) -> None:
        """Remove the file: there is nothing left to repair.

        Raises:
            HostError: The host is lost, or does not let go of it.
        """
        ran = await self._host.run(["rm", "-f", self._path])
        if ran.code:
            raise HostError(
                f"{self._path} on {self._host.name} cannot be removed",
                host=self._host.name,
                why=ran.complaint,
            )

    async def _write(self, **changed: object) -> None:
        self.document = self.document.model_copy(update=changed)
        text = self.document.model_dump_json(indent=2) + "\n"
        await self._host.write(self._path, text.encode(), mode=0o600)


async def read_journal(host: Host, layout: Layout) -> Journal | None:
    """Return what somebody left behind on a host; nothing where all was finished.

    Raises:
        HostError: The host is lost, or the file is not what keelway writes.
    """
    data = await host.read(layout.journal)
    if data is None:
        return None
    try:
        return Journal(host, layout, JournalDocument.model_validate_json(data))
    except ValidationError as error:
        raise HostError(
            f"{layout.journal} on {host.name} is not what keelway wrote",
            host=host.name,
            why=str(error.errors()[0]["msg"]),
            next_step="look at what runs there, put right what is not, and remove the file",
        ) from error
