"""What a release of a compose project is on a host: its files are rendered, put there, fetched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from keelway.compose.sizes import parse_size
from keelway.deploy.choice import Limits, Part, Rendering, ServiceChoice
from keelway.deploy.layout import SHARED
from keelway.deploy.looking import serving_parts
from keelway.deploy.placing import is_placed, place
from keelway.deploy.proving import digest_of
from keelway.deploy.pulling import RegistryLogin
from keelway.deploy.release import COLOURS
from keelway.deploy.rendering import render, unpinned
from keelway.deploy.runtime import Runtime, find_runtime
from keelway.deploy.strategies.choosing import strategy_of
from keelway.tags.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from keelway.compose.project import Project
    from keelway.config.deploy_compose import ComposeTarget
    from keelway.config.deploy_limits import DeployServiceConfig
    from keelway.deploy.choice import RenderedUnit
    from keelway.deploy.host import Host
    from keelway.deploy.layout import Layout
    from keelway.deploy.proving import FindLogin
    from keelway.deploy.release import Release
    from keelway.deploy.side import Side
    from keelway.deploy.site import Placed, Site, Strategy
    from keelway.deploy.target import Task
    from keelway.deploy.unit import Unit
    from keelway.model.registry import RegistrySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeSpec:
    """What is put on the hosts of a target."""

    name: str
    """The target's."""
    config: ComposeTarget
    root: Path
    """Where the configuration's paths begin."""
    projects: Mapping[str, Project]
    """The compose files, by the name that the project has on a host."""
    registries: tuple[RegistrySpec, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where each secret of the compose files is read."""
    revision: str = ""


class ComposeKit:
    """Renders, puts and fetches the releases of one target."""

    def __init__(
        self, spec: ComposeSpec, secrets: Mapping[str, str], find_login: FindLogin
    ) -> None:
        """Keep what is put there.

        Args:
            spec: What is put on the hosts.
            secrets: The values of its secrets, by name.
            find_login: Tells whom to log in as for a repository.
        """
        self._find_login = find_login
        self._spec = spec
        self._secrets = {name: value.encode() for name, value in secrets.items()}
        self._pins: dict[str, str] = {}
        self._runtimes: dict[int, Runtime] = {}

    @property
    def strategy_name(self) -> str:
        """Return the strategy that new releases are brought by."""
        return self._spec.config.strategy

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts that a new release has."""
        return (SHARED, *COLOURS) if self.strategy_name == "blue-green" else ("",)

    async def find_runtime(self, host: Host) -> Runtime:
        """Return what runs containers on a host.

        Raises:
            HostError: The host is lost.
            StageError: It has none.
        """
        if id(host) not in self._runtimes:
            self._runtimes[id(host)] = await find_runtime(host, self._spec.config.runtime)
        return self._runtimes[id(host)]

    def strategy(self, name: str, host: Host, task: Task) -> Strategy:
        """Return a strategy by its name in the configuration.

        Raises:
            PlanError: The configuration lacks what it needs.
        """
        del host
        spec = self._spec
        return strategy_of(
            name, spec.name, spec.config, root=spec.root, run_analysis=task.run_analysis
        )

    async def put(self, site: Site, release: Release) -> None:
        """Render all parts of a release, write them on the host, and bring their images.

        Raises:
            ConfigError: A service asks for what a deployed one must not have.
            PlanError: A secret has no value.
            StageError: It cannot be put there.
        """
        runtime = self._runtimes[id(site.host)]
        for part in release.parts:
            rendered = await self._rendered(site.layout, release, part)
            for line in rendered.told if part in {"", SHARED, "blue"} else ():
                site.tell(line)
            unit = site.layout.unit(release.id, part)
            logins = await self._logins(rendered.images)
            await place(runtime, unit, rendered, secrets=self._secrets, logins=logins)

    async def is_put(self, side: Side, current: Placed) -> bool:
        """Return whether what runs is what would be put there now: files, secrets, containers.

        Raises:
            ConfigError: A service asks for what a deployed one must not have.
            PlanError: A secret has no value.
            StageError: The host does not tell.
        """
        runtime = self._runtimes[id(side.host)]
        for part in serving_parts(current):
            rendered = await self._rendered(side.layout, current.release, part)
            unit = side.layout.unit(current.release.id, part)
            if not await is_placed(runtime, unit, rendered, secrets=self._secrets):
                return False
        return True

    async def fetch(self, site: Site) -> None:
        """Bring the images of a kept release, where they are gone.

        Raises:
            StageError: One cannot be had.
        """
        runtime = self._runtimes[id(site.host)]
        for unit in site.units(site.wanted):
            logins = await self._logins(site.wanted.release.images.values())
            await runtime.pull(unit, logins)

    async def _rendered(self, layout: Layout, release: Release, part: str) -> RenderedUnit:
        project = self._spec.projects[layout.project]
        choice = self._choice(layout.unit(release.id, part), release, part)
        return render(project, await self._pinned(project, choice))

    def _choice(self, unit: Unit, release: Release, part: str) -> Rendering:
        spec = self._spec
        colour = part if part in COLOURS else ""
        kind = {"": Part.ALL, SHARED: Part.SHARED}.get(part, Part.COLOUR)
        return Rendering(
            target=spec.name,
            project=unit.project,
            folder=unit.folder,
            version=release.version,
            revision=spec.revision,
            images=release.images,
            mapping=spec.config.images,
            registries=spec.registries,
            part=kind,
            colour=colour,
            ports=self._ports(colour),
            secrets=tuple(spec.secrets),
            services={name: _service(one) for name, one in spec.config.services.items()},
            limits=_limits(spec.config),
        )

    def _ports(self, colour: str) -> dict[tuple[str, int], int]:
        """Return the ports of the host that a colour's services are published at."""
        proxy = self._spec.config.proxy
        if proxy is None or not colour:
            return {}
        own = COLOURS.index("blue" if colour == "blue" else "green")
        return {
            (name, one.port): one.ports[own]
            for name, one in proxy.services.items()
            if one.ports is not None
        }

    async def _pinned(self, project: Project, choice: Rendering) -> Rendering:
        """Return the choice with the digests of images that are not of the release."""
        for reference in unpinned(project, choice):
            if reference not in self._pins:
                self._pins[reference] = await digest_of(reference, self._find_login)
        return replace(choice, pins=dict(self._pins))

    async def _logins(self, references: Iterable[str]) -> tuple[RegistryLogin, ...]:
        """Return whom the hosts log in as to fetch images; without any they do as they are set."""
        found: dict[str, RegistryLogin] = {}
        for reference in references:
            parsed = parse_reference(reference)
            login = None if parsed.host in found else await self._find_login(parsed.repository)
            if login is not None:
                found[parsed.host] = RegistryLogin(
                    registry=parsed.host, username=login.username, password=login.password
                )
        return tuple(found.values())


def _service(config: DeployServiceConfig) -> ServiceChoice:
    return ServiceChoice(
        scratch=config.scratch,
        cpus=config.cpus,
        memory=None if config.memory is None else parse_size(config.memory),
        pids=config.pids,
        allow={one.what: one.reason for one in config.allow},
    )


def _limits(config: ComposeTarget) -> Limits:
    written = config.limits
    return Limits(
        cpus=written.cpus,
        memory=parse_size(written.memory),
        pids=written.pids,
        scratch=parse_size(written.scratch),
        log_size=written.log_size,
        log_files=written.log_files,
    )
