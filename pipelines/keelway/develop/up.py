"""A compose project, run for whoever develops it: what `keelway up` does.

Ports of the host are taken first; then images are built or fetched, services are started, and what
they write and come to is told until somebody stops it or all have ended.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio

from keelway._stage import Run, failures_of
from keelway.develop.bench import STAGE, Workbench
from keelway.develop.forwards import EVERYWHERE
from keelway.develop.hub import open_hub
from keelway.develop.looking import Watcher
from keelway.develop.relay import open_ways
from keelway.develop.scene import Muted, Scene
from keelway.develop.watching import FileWatch
from keelway.errors import StageError
from keelway.model.events import Note
from keelway.model.image import Images
from keelway.model.platform import parse_platform
from keelway.session import EngineChoice, Session, open_session
from keelway.stages.build import build

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from anyio.abc import TaskGroup

    from keelway.develop.hub import Hub
    from keelway.develop.log import Entry
    from keelway.develop.looking import Seen
    from keelway.develop.planned import Development
    from keelway.develop.relay import Way
    from keelway.develop.rules import Rule
    from keelway.develop.state import StateFolder
    from keelway.model.events import Observer

ENGINE_SETTINGS = {"KEELWAY_ENGINE_TUNNELS": "loopback"}
"""The engine's ways to services are for this process alone, which listens as the project says."""
_SPARE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a project is run."""

    engine: EngineChoice = EngineChoice.AUTO
    background: bool = False
    """Whether nobody watches: then a service that fails at the start ends all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who hears how it goes."""

    observer: Observer
    show: Callable[[Entry], None]
    """Is told each line that a service writes."""
    ready: Callable[[], None]
    """Is called once all services are there."""


async def run_project(
    development: Development, folder: StateFolder, options: Options, audience: Audience
) -> None:
    """Run a project until all its services have ended, or it is stopped.

    Raises:
        PlanError: A port of the host is taken, a secret is missing.
        StageError: A service failed before the project was ready, or all ended and one of them
            badly; why, is told with it.
        KeelwayError: Something broke.
    """
    scene = Scene(development, folder, audience.show, background=options.background)
    work = _Work(development, folder, options, audience, scene)
    try:
        await work.run()
    except Exception:
        scene.enter("failed")
        raise
    finally:
        scene.close()
    scene.enter("ended")


class _Work:
    """One run."""

    def __init__(
        self,
        development: Development,
        folder: StateFolder,
        options: Options,
        audience: Audience,
        scene: Scene,
    ) -> None:
        self._development = development
        self._folder = folder
        self._options = options
        self._audience = audience
        self._scene = scene
        self._muted = Muted(audience.observer)

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            ways = await stack.enter_async_context(open_ways(self._development.forwards))
            self._scene.listen_at(ways)
            services = tuple(self._development.project.services)
            hub = await stack.enter_async_context(open_hub(services, self._scene))
            group = await stack.enter_async_context(_beside())
            parts: tuple[Hub | Way, ...] = (hub, *ways)
            for part in parts:
                stack.callback(part.close)
                group.start_soon(part.serve, group)
            session = await stack.enter_async_context(
                open_session(self._options.engine, self._muted, ENGINE_SETTINGS)
            )
            self._scene.enter("starting")  # now with the engine's process
            self._warn_of_tunnels(session)
            await self._work(Run(session.client, self._muted), hub, ways)

    async def _work(self, run: Run, hub: Hub, ways: tuple[Way, ...]) -> None:
        watcher = Watcher(self._development.rules)
        first = await watcher.begin()  # what changes from now on is not in the images
        images = await self._build(run)
        bench = Workbench(run, self._development.stack, images, hub, self._folder.asked)
        try:
            async with bench:
                self._muted.is_muted = True
                try:
                    await self._start(run, bench, ways)
                    if self._development.rules:
                        await self._watch(run, bench, ways, watcher, first)
                    await self._until_over()
                finally:
                    self._scene.enter("stopping")
        except StageError as error:
            error.why = error.why or self._reasons(bench)
            raise

    def _warn_of_tunnels(self, session: Session) -> None:
        """Tell that another engine's ways to services listen at all addresses, as its API says."""
        kept = [one for one in self._development.forwards if one.address != EVERYWHERE]
        if kept and session.name != "local":
            text = (
                f"{kept[0].place}: services.{kept[0].service}.ports: with this engine the port can "
                "be reached at other addresses of this machine too, under a number of its own"
            )
            self._audience.observer.on(Note(stage=STAGE, text=text))

    async def _build(self, run: Run, reading: str = "") -> Images:
        images = self._development.build.images
        if not images:
            return Images(variants=())
        with failures_of(STAGE, "asking the engine for its platform"):
            native = parse_platform(await run.dag.default_platform())
        own = tuple(
            replace(
                image,
                platforms=(native,),
                exclude=(*image.exclude, *([reading] if reading else [])),
            )
            for image in images
        )
        return await build(run, replace(self._development.build, images=own))

    async def _start(self, run: Run, bench: Workbench, ways: tuple[Way, ...]) -> None:
        for note in bench.notes:
            run.say(STAGE, note)
        for name in self._development.project.services:
            await lead(run, bench, name, ways)
        await self._until_ready(bench)
        self._scene.enter("ready")
        self._audience.ready()

    async def _watch(
        self,
        run: Run,
        bench: Workbench,
        ways: tuple[Way, ...],
        watcher: Watcher,
        first: Mapping[Rule, Seen],
    ) -> None:
        """Act on changed files until stopped: a service that has ended may be mended by them."""

        async def renew(name: str) -> None:
            def leave() -> None:
                for way in ways:
                    if way.forward.service == name:
                        way.lead_to(None)

            await bench.renew(name, lambda reading: self._build(run, reading), leave)
            await lead(run, bench, name, ways)

        await FileWatch(bench, self._scene, watcher, renew).run(first)

    async def _until_over(self) -> None:
        await self._scene.over()
        failed = [one for one in self._scene.standings.values() if one.failed]
        if failed:
            raise StageError(self._told(failed[0].name), stage=STAGE)

    async def _until_ready(self, bench: Workbench) -> None:
        wanted = bench.conditions()
        limit = self._development.stack.start_limit_s + _SPARE_S
        came = await self._scene.ready(wanted, limit)
        while came.failed and not self._options.background and not self._is_hopeless(came.failed):
            # Somebody watches, and the others may do without it.
            wanted = {name: one for name, one in wanted.items() if name not in came.failed}
            came = await self._scene.ready(wanted, limit)
        if came.failed:
            raise StageError(self._told(came.failed[0]), stage=STAGE)
        if not came.ready:
            raise StageError(f"the services are not ready after {limit:.0f} s", stage=STAGE)

    def _is_hopeless(self, failed: tuple[str, ...]) -> bool:
        return any(self._scene.standings[name].state == "blocked" for name in failed)

    def _told(self, name: str) -> str:
        place = self._development.project.services[name].place
        return f"{place}: service {self._scene.standings[name].told}"

    def _reasons(self, bench: Workbench) -> str | None:
        """Return what is to be known of services that failed, when all is over."""
        lines: list[str] = []
        found = [
            (standing, result)
            for result in bench.results({})
            if (standing := self._scene.standings.get(result.name)) is not None
            and (standing.failed or standing.state == "unhealthy")
        ]
        # What others waited for in vain stands first.
        for standing, result in sorted(found, key=lambda one: one[0].state == "blocked"):
            lines.append(standing.told)
            lines += [f"  health check {line}" for line in result.health.splitlines()]
            lines += [f"  | {line}" for line in result.tail.splitlines()]
        return "\n".join(lines) or None


async def lead(run: Run, bench: Workbench, name: str, ways: tuple[Way, ...]) -> None:
    """Lead the ports of the host that belong to a service to where it is now.

    Raises:
        StageError: The engine refused.
    """
    import dagger  # noqa: PLC0415 - loaded already

    own = [way for way in ways if way.forward.service == name]
    if not own:
        return
    forwards = [
        dagger.PortForward(
            backend=way.forward.target,
            frontend=0,
            protocol=dagger.NetworkProtocol[way.forward.protocol.upper()],
        )
        for way in own
    ]
    with failures_of(STAGE, f"{own[0].forward.place}: forwarding ports to service {name}"):
        tunnel = await run.dag.host().tunnel(bench.service(name), ports=forwards).start()
        for way, port in zip(own, await tunnel.ports(), strict=True):
            way.lead_to(await port.port())


@asynccontextmanager
async def _beside() -> AsyncGenerator[TaskGroup]:
    """Give a group for what runs beside the work, and ends with it.

    A failure of the work comes out as it is, and not in an exception group.
    """
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        try:
            yield group
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
