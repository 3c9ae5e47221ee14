"""Docker or Podman on a host: units brought up, looked at and taken down.

All of it is done by commands on a `Host`, and every method can be called again after it was
interrupted. A unit's containers are found by their labels, so that they can be stopped and removed
even where the unit's file is lost.

Example:
    runtime = await find_runtime(host, "auto")
    await runtime.pull(unit)
    await runtime.up(unit)
    await runtime.wait_healthy(unit, timeout_s=120)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from keelway._tools.compose_program import up_argv
from keelway.deploy.container_engine import ContainerEngine
from keelway.deploy.finding import FoundEngine, find_engine
from keelway.deploy.health import Trouble, Watch
from keelway.deploy.host import STAGE
from keelway.deploy.keeping import keep
from keelway.deploy.owners import GROUP, PASSWD, Owner, needed_files, parse_owner
from keelway.deploy.pulling import RegistryLogin, pull_image
from keelway.deploy.unit import ServiceState, UnhealthyError, Unit
from keelway.deploy.unit_file import UnitFile, read_unit_file
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from keelway.deploy.host import Host

__all__ = ["RegistryLogin", "Runtime", "find_runtime"]

LOG_LINES = 40
GRACE_S = 10
_UP_TIMEOUT_S = 900
_POLL_S = 0.5
_SYSTEMD = "/run/systemd/system"


async def find_runtime(host: Host, wanted: str) -> Runtime:
    """Return what runs containers on a host.

    Args:
        host: The machine.
        wanted: `docker`, `podman`, or `auto`: Docker where it answers, else Podman.

    Raises:
        HostError: The host is lost.
        StageError: It has none, or no compose program for it; says what to install.
    """
    found = await find_engine(host, wanted)
    has_timers = (await host.run(("test", "-d", _SYSTEMD))).code == 0
    return Runtime(host, found, has_timers=has_timers)


class Runtime:
    """Docker or Podman on one host. Every method raises `HostError` when the host is lost."""

    def __init__(self, host: Host, found: FoundEngine, *, has_timers: bool) -> None:
        """Keep what was found; `find_runtime` makes these.

        Args:
            host: The machine.
            found: Its engine and compose program.
            has_timers: Whether it has systemd, whose timers run Podman's health checks.
        """
        self.host = host
        self.engine = ContainerEngine(host, found.engine)
        self.version = found.version
        self.compose = found.compose
        self._owners: dict[tuple[str, str], Owner | None] = {}
        self._checks_by_hand = found.engine == "podman" and not has_timers

    @property
    def name(self) -> str:
        """Return what people call it: `Docker 20.10.24 with docker-compose 1.29.2`."""
        program = " ".join(self.compose.words)
        return f"{self.engine.name.title()} {self.version} with {program} {self.compose.version}"

    async def unit_file(self, unit: Unit) -> UnitFile:
        """Return what the unit's `compose.yaml` says.

        Raises:
            StageError: It is not there, or damaged.
        """
        data = await self.host.read(unit.file)
        if data is None:
            raise StageError(f"{self.host.name} has no {unit.file}", stage=STAGE)
        return read_unit_file(data, shown=f"{self.host.name}:{unit.file}")

    async def pull(self, unit: Unit, logins: Sequence[RegistryLogin] = ()) -> None:
        """Bring all images of a unit to the host.

        Args:
            unit: Its `compose.yaml` names them by digest.
            logins: For registries that ask; without any, the host's own are used.

        Raises:
            ToolError: One cannot be had.
        """
        for reference in (await self.unit_file(unit)).images:
            await pull_image(self.host, self.engine.name, reference, logins)

    async def owner(self, image: str, user: str) -> Owner | None:
        """Return the numbers of a user of an image; nothing when the image does not know him.

        Args:
            image: By digest; it is on the host.
            user: As compose files and images write it.

        Raises:
            ToolError: The engine did not tell.
        """
        if (image, user) not in self._owners:
            files: dict[str, str] = {}
            if wanted := needed_files(user):
                files = await self.engine.image_files(image, wanted)
            found = parse_owner(user, files.get(PASSWD, ""), files.get(GROUP, ""))
            self._owners[(image, user)] = found
        return self._owners[(image, user)]

    async def up(
        self, unit: Unit, services: Sequence[str] = (), *, timeout_s: float = _UP_TIMEOUT_S
    ) -> None:
        """Start services, and make those anew that are not as the file says; health is not awaited.

        Args:
            unit: Its images are on the host already.
            services: With what they depend on; all when empty.
            timeout_s: So long this may take: services that are waited for by others start first.

        Raises:
            UnhealthyError: One that others wait for is not well.
            ToolError: The compose program failed.
        """
        note = (await self.unit_file(unit)).note
        for name, internal in note.networks.items():
            await self.engine.ensure_network(name, internal=internal)
        for name in note.volumes:
            await self.engine.ensure_volume(name)
        await keep(self.engine, unit, note, services)
        words = up_argv(self.compose, unit.project, unit.folder, services)
        if self._checks_by_hand:
            # Else containers that have a health check are not started: their timer cannot be made.
            words = ("env", "DISABLE_HC_SYSTEMD=true", *words)
        ran = await self.host.run(words, timeout_s=timeout_s)
        if ran.code == 0:
            return
        states = await self.states(unit)
        trouble = Watch(wanted={one.service: 1 for one in states}).look(states, 0)
        if trouble is not None:
            raise await self._unhealthy(trouble)
        raise self.engine.failed(f"start {unit.project}", words, ran)

    async def states(self, unit: Unit) -> tuple[ServiceState, ...]:
        """Return all containers of a unit, by service; none where there are none.

        Raises:
            ToolError: The engine does not answer.
        """
        return await self.engine.states(unit.project)

    async def wait_healthy(
        self, unit: Unit, timeout_s: float, services: Collection[str] = ()
    ) -> None:
        """Wait until services are well: healthy, or where they have no health check, running.

        Args:
            unit: What was brought up.
            timeout_s: Seconds that they have.
            services: Those that must be well; all when empty.

        Raises:
            UnhealthyError: One is unhealthy, ended, or not well in time; with its last lines and
                what its health check said.
        """
        declared = (await self.unit_file(unit)).services
        wanted = {
            name: one.scale for name, one in declared.items() if not services or name in services
        }
        watch = Watch(wanted=wanted)
        checked: dict[str, float] = {}
        deadline = anyio.current_time() + timeout_s
        while True:
            states = await self.states(unit)
            now = anyio.current_time()
            trouble = watch.look(states, now)
            if trouble is not None:
                raise await self._unhealthy(trouble)
            waiting = watch.waiting(states, now)
            if not waiting:
                return
            if now >= deadline:
                raise await self._late(waiting, timeout_s)
            await self._run_checks(states, checked, now)
            await anyio.sleep(_POLL_S)

    async def logs(self, unit: Unit, service: str, lines: int = LOG_LINES) -> str:
        """Return the last lines that a service wrote, in the order of time.

        Raises:
            ToolError: The engine does not give them.
        """
        own = [one.container for one in await self.states(unit) if one.service == service]
        return "\n".join([await self.engine.log(container, lines) for container in own])

    async def stop(
        self, unit: Unit, services: Collection[str] = (), timeout_s: float = GRACE_S
    ) -> None:
        """Stop services; what does not end in time is killed. They stay as they are, to be started.

        Args:
            unit: What runs.
            services: All when empty.
            timeout_s: Seconds that each has after it was told to end.

        Raises:
            ToolError: The engine did not stop one.
        """
        ids = [
            one.container
            for one in await self.states(unit)
            if (not services or one.service in services) and one.status not in {"exited", "created"}
        ]
        await self.engine.stop(ids, timeout_s)

    async def down(self, unit: Unit, timeout_s: float = GRACE_S) -> None:
        """Stop a unit, and remove its containers and its own networks; volumes stay.

        Raises:
            ToolError: The engine did not do it.
        """
        await self.stop(unit, timeout_s=timeout_s)
        await self.engine.remove(unit.project)

    async def disk_free(self) -> int:
        """Return how many bytes are free where images and volumes are kept.

        Raises:
            ToolError: The host does not tell.
        """
        return await self.engine.disk_free()

    async def prune(self, drop: Collection[str], keep: Collection[str]) -> tuple[str, ...]:
        """Remove images of old releases, and return those that went.

        Args:
            drop: References by digest of releases that are no longer kept. What a container was
                made from stays.
            keep: Those that a kept release needs.
        """
        return await self.engine.drop_images(set(drop) - set(keep))

    async def _run_checks(
        self, states: Sequence[ServiceState], checked: dict[str, float], now: float
    ) -> None:
        """Run health checks where nothing else does: Podman leaves them to systemd."""
        if not self._checks_by_hand:
            return
        for state in states:
            if state.health is None or not state.is_running:
                continue
            last = checked.get(state.container)
            if last is None or now - last >= (state.health_interval_s or 0):
                checked[state.container] = now
                await self.engine.run_check(state.container)

    async def _unhealthy(self, trouble: Trouble) -> UnhealthyError:
        state = trouble.state
        return UnhealthyError(
            f"{trouble.text} on {self.host.name}",
            service=state.service,
            host=self.host.name,
            logs=await self.engine.log(state.container, LOG_LINES),
            health_log=state.health_log,
        )

    async def _late(
        self, waiting: Mapping[str, ServiceState | None], timeout_s: float
    ) -> UnhealthyError:
        told = "; ".join(waiting)
        text = f"not well after {timeout_s:g} s on {self.host.name}: {told}"
        state = next((one for one in waiting.values() if one is not None), None)
        if state is None:
            return UnhealthyError(text, service=told.split()[0], host=self.host.name)
        return UnhealthyError(
            text,
            service=state.service,
            host=self.host.name,
            logs=await self.engine.log(state.container, LOG_LINES),
            health_log=state.health_log,
        )
