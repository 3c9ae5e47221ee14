"""What runs the services of a unit where there are no containers: a process for each.

A strategy can't tell the difference: it starts, looks at, stops and removes them as it does
containers. The file of a unit says at which port a service serves, as whom, and how well it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keelway.deploy.unit import ServiceState, Unit
from keelway.errors import StageError
from tests.support.colours import ended, started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Sequence


@dataclass(slots=True)
class _Running:
    written: dict[str, Any]
    process: subprocess.Popen[str]

    @property
    def runs(self) -> bool:
        return self.process.poll() is None


@dataclass(slots=True)
class ProcessRuntime:
    """The runtime."""

    units: dict[str, dict[str, _Running]] = field(default_factory=dict[str, "dict[str, _Running]"])
    starts: list[str] = field(default_factory=list[str])
    """Each service that was started, in order."""

    async def disk_free(self) -> int:
        """Return plenty."""
        return 2**40

    async def pull(self, unit: Unit) -> None:
        """Do nothing: there are no images."""

    async def up(self, unit: Unit, services: Sequence[str] = ()) -> None:
        """Start what does not run as it is written."""
        running = self.units.setdefault(unit.project, {})
        for name, written in _written(unit).items():
            if services and name not in services:
                continue
            old = running.get(name)
            if old is not None and old.runs and old.written == written:
                continue
            if old is not None:
                ended(old.process)
            process, _ = started(
                written["says"], sick=bool(written.get("sick")), port=int(written["port"])
            )
            running[name] = _Running(written, process)
            self.starts.append(f"{unit.project}/{name}")

    async def states(self, unit: Unit) -> tuple[ServiceState, ...]:
        """Return what the processes are at."""
        return tuple(
            ServiceState(
                service=name,
                container=f"{unit.project}-{name}",
                status="running" if one.runs else "exited",
                health=one.written.get("health"),
                exit_code=one.process.returncode or 0,
                image=one.written["says"],
                image_id=one.written["says"],
                ports=((80, "127.0.0.1", int(one.written["port"])),),
            )
            for name, one in self.units.get(unit.project, {}).items()
        )

    async def wait_healthy(
        self, unit: Unit, timeout_s: float, services: Collection[str] = ()
    ) -> None:
        """Return when all run, and none says that it is unhealthy."""
        del timeout_s
        states = {one.service: one for one in await self.states(unit)}
        for name in services or _written(unit):
            state = states.get(name)
            if state is None or state.status != "running" or state.health == "unhealthy":
                raise StageError(f"{name} is not healthy", stage="deploy")

    async def stop(self, unit: Unit, services: Collection[str] = (), timeout_s: float = 10) -> None:
        """Stop processes, and keep in mind that they were there."""
        del timeout_s
        for name, one in self.units.get(unit.project, {}).items():
            if not services or name in services:
                ended(one.process)

    async def down(self, unit: Unit) -> None:
        """Stop and forget them."""
        await self.stop(unit)
        self.units.pop(unit.project, None)

    def who_runs(self) -> set[str]:
        """Return what all services that run are called, as `project/service=name`."""
        return {
            f"{project}/{name}={one.written['says']}"
            for project, services in self.units.items()
            for name, one in services.items()
            if one.runs
        }

    def end(self) -> None:
        """End all."""
        for services in self.units.values():
            for one in services.values():
                ended(one.process)


def _written(unit: Unit) -> dict[str, dict[str, Any]]:
    text = Path(unit.folder, "compose.yaml").read_text()
    services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return services
