"""A deploy target with one host, this machine: releases on it, and what strategies work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keelway.deploy.host import LocalHost
from keelway.deploy.journal import Journal, JournalDocument, Phase, read_journal
from keelway.deploy.layout import Layout
from keelway.deploy.release import Live, Release
from keelway.deploy.site import Pace, Placed, Site
from keelway.model.history import DeliveryEvent
from tests.support.ports import free_port
from tests.support.process_runtime import ProcessRuntime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.deploy.site import Strategy

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class Target:
    """The target, and what runs on its host."""

    folder: Path
    strategy: Strategy
    runtime: ProcessRuntime = field(default_factory=ProcessRuntime)
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    """Of blue and of green."""
    database: int = field(default_factory=free_port)
    current: Placed | None = None
    told: list[str] = field(default_factory=list[str])
    pace: Pace = field(default_factory=lambda: Pace(health_timeout_s=20, drain_s=20))

    @property
    def layout(self) -> Layout:
        """Return where its files are."""
        return Layout(str(self.folder))

    def coloured(self, version: str, *, database: str = "database", **shop: Any) -> Release:
        """Put a release for both colours on the host."""
        parts: dict[str, Mapping[str, Any]] = {
            "shared": {"database": {"says": database, "port": self.database}},
            "blue": {"shop": {"says": version, "port": self.ports[0], **shop}},
            "green": {"shop": {"says": version, "port": self.ports[1], **shop}},
        }
        return self._put(version, parts)

    def plain(self, version: str, services: Mapping[str, Any]) -> Release:
        """Put a release on the host that has no colours."""
        return self._put(version, {"": services})

    def _put(self, version: str, parts: Mapping[str, Mapping[str, Any]]) -> Release:
        release = Release(
            id=f"20261121-{version}",
            version=version,
            images={"shop": f"registry.test/shop@sha256:{version}"},
            made_at=NOON,
            parts=tuple(parts),
        )
        for part, services in parts.items():
            folder = Path(self.layout.unit(release.id, part).folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "compose.yaml").write_text(yaml.safe_dump({"services": dict(services)}))
        return release

    async def begin(self, release: Release, event: DeliveryEvent = DeliveryEvent.DEPLOY) -> Site:
        """Begin to deploy a release: its journal is on the host."""
        before = None if self.current is None else self.current.live
        live = Live(
            release=release.id,
            colour=self.strategy.colour(before),
            strategy=self.strategy.name,
        )
        document = JournalDocument(
            rollout=release.id,
            event=event,
            strategy=self.strategy.name,
            version=release.version,
            wanted=live,
            previous=before,
            who="tester",
            started_at=NOON,
        )
        journal = Journal(LocalHost(), self.layout, document)
        await journal.enter(Phase.BRINGING)
        return self._site(Placed(release=release, live=live), journal)

    async def after_a_kill(self, release: Release) -> Site:
        """Go on with nothing but what is on the host."""
        journal = await read_journal(LocalHost(), self.layout)
        assert journal is not None
        return self._site(Placed(release=release, live=journal.document.wanted), journal)

    async def deploy(self, release: Release) -> None:
        """Deploy a release, and write down that it runs."""
        site = await self.begin(release)
        await self.strategy.bring(site)
        await self.strategy.settle(site)
        self.current = site.wanted
        await site.journal.close()

    def _site(self, wanted: Placed, journal: Journal) -> Site:
        return Site(
            host=LocalHost(),
            runtime=self.runtime,
            layout=self.layout,
            wanted=wanted,
            current=self.current,
            journal=journal,
            pace=self.pace,
            tell=self.told.append,
        )
