"""A compose project that runs: started side by side, waited for, listened to, and ended.

    async with Stack(run, spec, images) as stack:
        await stack.ready()
        done = await stack.join(container).with_exec(["curl", "http://web:8080"]).sync()
        ...
    told = stack.told

Whatever happens in the block, the services are stopped and all they wrote is in `told` after it.
"""

from __future__ import annotations

import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import anyio
import anyio.to_thread

from keelway._image_start import open_busybox
from keelway._stage import Run, failures_of
from keelway._together import each
from keelway.compose.project import Condition, Dependency
from keelway.errors import PlanError, StageError
from keelway.model.outcome import Skipped
from keelway.model.platform import parse_platform
from keelway.stack.ability import require_services
from keelway.stack.board import (
    LATE,
    NOT_READY,
    OUT_PATH,
    VOLUMES_PATH,
    Told,
    began_at,
    collect_script,
    read_board,
    service_result,
    watch_script,
)
from keelway.stack.deciding import decided_probe, decided_waits, ready_conditions
from keelway.stack.images import ImageSettings, Opened, open_image, read_settings, variant_of
from keelway.stack.mapping import Shared, Wishes, supervised_service
from keelway.stack.networks import reachable
from keelway.stack.objections import image_notices, require_health_checks
from keelway.stack.relaying import relay_ports, relay_service, with_relay_script
from keelway.stack.supervise import BOARD_PATH, BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType

    import dagger

    from keelway.compose.project import Service
    from keelway.model.image import Images
    from keelway.model.platform import Platform
    from keelway.model.tests import ServiceResult
    from keelway.stack.spec import StackSpec
    from keelway.stack.supervise import Probe

_SPARE_S = 10.0
"""What an engine may take beside a service's own grace period, before it is told to kill."""
_CONDITIONS = {
    Condition.STARTED: "running",
    Condition.HEALTHY: "healthy",
    Condition.COMPLETED: "completed",
}


@dataclass(slots=True)
class _Member:
    """One service at work."""

    service: Service
    dagger: dagger.Service


class Stack:
    """One run of one project, with volumes, names and a board of its own."""

    def __init__(
        self, run: Run, spec: StackSpec, images: Images, *, stage: str = "integration"
    ) -> None:
        """Prepare; nothing is started before the block begins."""
        self._run = run
        self._spec = spec
        self._images = images
        self._stage = stage
        self._nonce = secrets.token_hex(8)
        self._services = spec.chosen()
        self._members: dict[str, _Member] = {}
        self._probes: dict[str, Probe | None] = {}
        self._stand_ins: dict[str, str] = {}
        self._shared: Shared | None = None
        self._looks = 0
        self.notes: list[str] = []
        """What of the services could not be done, now that their images are known."""
        self.told: dict[str, Told] = {}
        """What each service's folder on the board said at the end."""

    async def __aenter__(self) -> Self:
        """Start all services side by side; who depends on whom is minded inside of them.

        Raises:
            ConfigError: A service cannot be run as it is written.
            PlanError: A secret cannot be read, an image is not built, BusyBox is missing.
            StageError: An image cannot be had, or the engine does not start a container.
        """
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all services, whatever happened, and bring what they told."""
        await self._end()

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that are started, the tests too."""
        return tuple(self._started())

    @property
    def secret_values(self) -> tuple[str, ...]:
        """Return the secrets that services were given, by value: nothing shown may have them."""
        return tuple(self._shared.values) if self._shared else ()

    def join(
        self, container: dagger.Container, networks: Collection[str] | None = None
    ) -> dagger.Container:
        """Return the container with all services under their names and aliases.

        Args:
            container: Any container of the same engine.
            networks: Only services of these networks of the project; of all when absent.
        """
        for name, aliases in reachable(self._services, networks).items():
            member = self._members[name]
            for alias in (name, *aliases):
                container = container.with_service_binding(alias, member.dagger)
        return container

    def service(self, name: str) -> dagger.Service:
        """Return one service, to bind it or to ask for an address.

        Raises:
            KeyError: It is not started here.
        """
        return self._members[name].dagger

    async def ready(self, timeout_s: float | None = None) -> bool:
        """Wait until every service is healthy, or started where it has no health check.

        Returns:
            Whether they are; `told` says why not, once the block is left.
        """
        conditions = ready_conditions(self._services, self._probes)
        wanted = {name: _CONDITIONS[condition] for name, condition in conditions.items()}
        return await self._watch(wanted, timeout_s or self._spec.start_limit_s + _SPARE_S)

    async def tested(self) -> bool:
        """Wait until the tests have ended, or can never begin; return whether they did in time.

        Raises:
            ValueError: No tests were given.
        """
        tests = self._spec.tests
        if tests is None:
            raise ValueError("the stack has no tests to wait for")
        limit = self._spec.start_limit_s + tests.timeout_s + _SPARE_S
        return await self._watch({tests.service.name: "ended"}, limit)

    def logs(self) -> dict[str, str]:
        """Return all that each service wrote, the tests too, once the block is left."""
        return {name: told.log for name, told in self.told.items()}

    def results(self, logs: Mapping[str, str]) -> tuple[ServiceResult, ...]:
        """Return what became of each service, tests aside, once the block is left.

        Args:
            logs: Where the log of each was kept.
        """
        began = began_at(self.told)
        return tuple(
            service_result(name, self.told[name], began=began, log=logs.get(name))
            for name in self._services
            if name in self.told
        )

    # --- starting -----------------------------------------------------------------------------

    def _started(self) -> dict[str, Service]:
        tests = self._spec.tests
        own = {} if tests is None else {tests.service.name: tests.service}
        return {**self._services, **own}

    async def _start(self) -> None:
        busybox = open_busybox(self._run, self._spec.busybox)
        if isinstance(busybox, Skipped):
            raise PlanError("services are started by BusyBox, which is missing", why=busybox.reason)
        await require_services(self._run, busybox, nonce=self._nonce, stage=self._stage)
        with failures_of(self._stage, "asking the engine for its platform"):
            native = parse_platform(await self._run.dag.default_platform())
        self._shared = shared = Shared(
            run=self._run,
            project=with_relay_script(self._spec.project),
            stage=self._stage,
            nonce=self._nonce,
            busybox=busybox,
            board=self._run.dag.cache_volume(f"keelway/board/{self._nonce}"),
            start_limit_s=self._spec.start_limit_s,
            lasting=self._spec.lasting,
            developed=self._spec.developed,
        )
        services = self._started()
        opened = dict(
            zip(
                services,
                await each(lambda one: self._open(one, native), services.values()),
                strict=True,
            )
        )
        for name, ports in self._spec.relays.items():
            relay = relay_service(
                services[name], ports or relay_ports(services[name], opened[name])
            )
            bare = Opened(container=self._run.dag.container(), settings=ImageSettings(), built=None)
            self._services[relay.name] = services[relay.name] = relay
            self._stand_ins[name], opened[relay.name] = relay.name, bare
        for name, service in services.items():
            self._probes[name] = decided_probe(service, opened[name].settings)
            require_health_checks(service, self._probes)
            self.notes += image_notices(service, opened[name].settings.user)
        definitions = await each(
            lambda one: self._define(shared, one, opened[one.name]), services.values()
        )
        for service, definition in zip(services.values(), definitions, strict=True):
            self._members[service.name] = _Member(service, definition)
        await each(self._begin, self._members.values(), limit=len(self._members))

    async def _open(self, service: Service, native: Platform, reading: str = "") -> Opened:
        built = self._spec.built.get(service.name)
        if built is not None:
            image = await variant_of(self._images, built, self._spec.platform, native).built()
            container = image.container
        else:
            container = await open_image(
                self._run,
                self._spec.project,
                service,
                native=native,
                stage=self._stage,
                reading=reading,
            )
        settings = await read_settings(self._run, container, stage=self._stage)
        return Opened(container=container, settings=settings, built=built)

    async def _define(self, shared: Shared, service: Service, opened: Opened) -> dagger.Service:
        tests = self._spec.tests
        is_tests = tests is not None and tests.service.name == service.name
        waits = decided_waits(service, self._services, self._probes, waits_for_all=is_tests)
        apart = is_tests or service.name in self._stand_ins.values()
        stand_ins = {} if apart else self._stand_ins
        needed = [name for needs, name in stand_ins.items() if needs in service.depends_on]
        waits |= {name: Dependency(service=name) for name in needed}
        wishes = Wishes(
            services=self._started(),
            probe=None if is_tests else self._probes[service.name],
            waits_for=waits,
            stand_ins=stand_ins,
            time_limit_s=tests.timeout_s if tests is not None and is_tests else None,
            results=tests.results if tests is not None and is_tests else (),
        )
        return await supervised_service(shared, service, opened, wishes)

    async def _begin(self, member: _Member) -> None:
        service = member.service
        with failures_of(self._stage, f"{service.place}: starting service {service.name}"):
            member.dagger = await member.dagger.start()

    # --- looking and ending -------------------------------------------------------------------

    def _looker(self) -> dagger.Container:
        """Return a container that sees the board; never the same, so that nothing is cached."""
        shared = self._shared
        if shared is None:
            raise StageError("the services are not started", stage=self._stage)
        self._looks += 1
        return (
            self._run.dag.container()
            .with_mounted_file(BUSYBOX_PATH, shared.busybox)
            .with_mounted_cache(BOARD_PATH, shared.board)
            .with_env_variable("KEELWAY_LOOK", f"{self._nonce}-{self._looks}")
        )

    async def _watch(self, wanted: Mapping[str, str], limit_s: float) -> bool:
        import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

        script = watch_script(wanted, limit_s)
        with failures_of(self._stage, "waiting for services"):
            watched = self._looker().with_exec(
                [BUSYBOX_PATH, "sh", "-c", script], expect=dagger.ReturnType.ANY
            )
            code = await watched.exit_code()
        if code not in {0, NOT_READY, LATE}:
            raise StageError(
                f"waiting for services failed: the look at them ended with exit code {code}",
                stage=self._stage,
                why=await watched.stderr(),
            )
        return code == 0

    async def _end(self) -> None:
        """Stop everything and look at the board a last time; not even Ctrl-C leaves it out."""
        with anyio.CancelScope(shield=True):
            await each(self._stop, self._members.values(), limit=max(len(self._members), 1))
            if self._shared is not None and self._members:
                self.told = await self._collect(self._shared)

    async def _stop(self, member: _Member) -> None:
        grace = member.service.stop_grace_period_s + _SPARE_S
        with suppress(Exception):  # what is gone already is as stopped as it can be
            with anyio.move_on_after(grace):
                _ = await member.dagger.stop()
                return
            _ = await member.dagger.stop(kill=True)

    async def _collect(self, shared: Shared) -> dict[str, Told]:
        looker = self._looker()
        passing = shared.passing()
        for number, volume in enumerate(passing):
            looker = looker.with_mounted_cache(f"{VOLUMES_PATH}/{number}", volume)
        script = collect_script(self._members, volumes=len(passing))
        done = looker.with_exec([BUSYBOX_PATH, "sh", "-c", script])
        with tempfile.TemporaryDirectory(prefix="keelway-stack-") as folder:
            with failures_of(self._stage, "bringing the services' logs"):
                await done.directory(OUT_PATH).export(folder)
            return await anyio.to_thread.run_sync(
                read_board, Path(folder), tuple(self._members), tuple(shared.values)
            )
