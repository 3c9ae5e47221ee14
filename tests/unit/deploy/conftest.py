"""A target of three hosts, which are folders of this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from keelway.deploy.history import merge, parse_history
from keelway.deploy.running import deploy_to_hosts, take_back
from keelway.deploy.target import Checked, HostPlace, HostsSpec, SshSpec, Task
from keelway.model.history import Actor, DeliveryEvent
from keelway.model.host_address import HostAddress
from keelway.model.rollout import TargetRollout, Wanted
from tests.support.pretend_runtime import PretendKit, serving

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class TickingClock:
    time: datetime = datetime(2026, 11, 21, 20, 17, 52, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


async def no_secret(source: str, what: str) -> str:
    raise AssertionError(f"{what} is asked for: {source}")


@dataclass
class Target:
    """A target, and the runs over it."""

    folders: list[Path]
    spec: HostsSpec
    kit: PretendKit = field(default_factory=PretendKit)
    clock: TickingClock = field(default_factory=TickingClock)
    told: list[str] = field(default_factory=list)
    runs: int = 0

    def task(self, event: DeliveryEvent, **more: object) -> Task:
        self.runs += 1
        actor = Actor(who="ada", where="laptop")
        task = Task(
            event=event,
            actor=actor,
            doing=f"doing {event}",
            run=f"{self.runs:032x}"[::-1],
            tell=self.told.append,
        )
        return replace(task, **more)  # type: ignore[arg-type]  # any field of it

    async def deploy(self, version: str, **more: object) -> TargetRollout:
        wanted = Wanted(version=version, images={"app": f"reg.example.com/app@sha256:{version}"})
        return await deploy_to_hosts(
            self.spec,
            Checked(wanted=wanted, evidence=("signature: good",)),
            task=self.task(DeliveryEvent.DEPLOY, **more),
            kit=self.kit,
            read=no_secret,
            clock=self.clock,
        )

    async def rollback(self, version: str | None = None, **more: object) -> TargetRollout:
        return await take_back(
            self.spec,
            version,
            task=self.task(DeliveryEvent.ROLLBACK, **more),
            kit=self.kit,
            read=no_secret,
            clock=self.clock,
        )

    def serving(self) -> list[str | None]:
        return [serving(folder) for folder in self.folders]

    def live(self) -> list[str]:
        """Return the versions that are written down as those that run."""
        links = [folder / "current" / "release.json" for folder in self.folders]
        return [json.loads(one.read_text())["version"] for one in links if one.exists()]

    def phases(self) -> list[str]:
        """Return how far the runs came that are not finished."""
        journals = [folder / "journal.json" for folder in self.folders]
        return [json.loads(one.read_text())["phase"] for one in journals if one.exists()]

    def history(self) -> list[str]:
        """Return the events in words, the same on all hosts."""
        told = [
            parse_history(folder.name, (folder / "deployment_history.log").read_bytes())
            for folder in self.folders
        ]
        events = merge(told).events
        assert all(len(event.known_on) == len(self.folders) for event in events)
        return [f"{one.entry.event} {one.entry.version} {one.entry.outcome}" for one in events]

    def leftovers(self) -> list[str]:
        """Return what only a run that goes on may have."""
        return [
            name for folder in self.folders for name in ("lock", "journal.json")
            if (folder / name).exists()
        ]  # fmt: skip


@pytest.fixture
def target(tmp_path: Path) -> Target:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    spec = HostsSpec(
        name="web",
        project="shop",
        environment="production",
        places=tuple(HostPlace(address=HostAddress(), folder=str(one)) for one in folders),
        ssh=SshSpec(known_hosts="/dev/null"),
        keep_releases=3,
    )
    return Target(folders=folders, spec=spec)
