"""One service of a compose project as a container that its supervisor runs in.

Files come from the project's folder, secrets from where the project says, volumes are new for each
run. Everything that must be done as root, before the service starts under its own user, is the
supervisor's.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from keelway._local_files import local_directory, local_file
from keelway._secrets import read_secret
from keelway.compose.project import MountKind
from keelway.errors import ConfigError, PlanError
from keelway.stack.deciding import decided_command
from keelway.stack.images import source_address
from keelway.stack.networks import own_names, peers
from keelway.stack.objections import drops_rights, problem, wants_no_new_privileges
from keelway.stack.supervise import (
    BOARD_PATH,
    BUSYBOX_PATH,
    SCRIPT_PATH,
    SEED_PATH,
    Fill,
    Supervised,
    supervisor_script,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagger

    from keelway._stage import Run
    from keelway.compose.project import Dependency, FileGrant, FileSource, Mount, Project, Service
    from keelway.stack.images import Opened
    from keelway.stack.supervise import Probe

_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
_SHM_PATH = "/dev/shm"  # noqa: S108 - a path in a container
_EVERYBODY = 0o1777
_READABLE = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all services of one run have in common."""

    run: Run
    project: Project
    stage: str
    nonce: str
    """A word that no other run has: definitions, volumes and secrets are named by it."""
    busybox: dagger.File
    board: dagger.CacheVolume
    start_limit_s: float
    lasting: Mapping[str, str] = field(default_factory=dict[str, str])
    """Volumes that outlive the run, by key: what the engine calls them."""
    developed: bool = False
    """Whether services take orders, and tell nobody but the board what they write."""
    reading: str = ""
    """Another word has the host's folders read again (`open_image`)."""
    volumes: dict[str, dagger.CacheVolume] = field(default_factory=dict[str, "dagger.CacheVolume"])
    """Volumes of this run, by key."""
    values: set[str] = field(default_factory=set[str])
    """Secrets by value, for nothing that is shown may have them."""

    def volume(self, key: str) -> dagger.CacheVolume:
        """Return a volume of this run, empty at first."""
        if key not in self.volumes:
            name = self.lasting.get(key) or f"keelway/{self.project.name}/{self.nonce}/{key}"
            self.volumes[key] = self.run.dag.cache_volume(name)
        return self.volumes[key]

    def passing(self) -> list[dagger.CacheVolume]:
        """Return the volumes that nobody needs after the run."""
        return [volume for key, volume in self.volumes.items() if key not in self.lasting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a service gets beside what its own entry in the compose file says."""

    services: Mapping[str, Service]
    """All that are started."""
    probe: Probe | None
    waits_for: Mapping[str, Dependency]
    stand_ins: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which service it reaches in the place of another one."""
    time_limit_s: float | None = None
    results: tuple[str, ...] = ()


async def supervised_service(
    shared: Shared, service: Service, opened: Opened, wishes: Wishes
) -> dagger.Service:
    """Return the service; it is not started yet.

    Raises:
        ConfigError: There is nothing to run, or a path is missing.
        PlanError: A secret cannot be read.
    """
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    command = decided_command(service, opened.settings)
    if not command:
        text = "there is nothing to run: neither the image nor the file has a command"
        raise ConfigError([problem(service.place, f"services.{service.name}", text)])
    container = opened.container.with_user("0:0").without_docker_healthcheck()
    for name, value in service.environment.items():
        container = container.with_env_variable(name, value)
    for name, value in {**service.labels, "dev.keelway.run": shared.nonce}.items():
        container = container.with_label(name, value)
    if service.working_dir is not None:
        container = container.with_workdir(service.working_dir)
    container, fills = await _with_mounts(shared, container, service, opened)
    container = await _with_grants(shared, container, service)
    for port, protocol in declared_ports(service):
        container = container.with_exposed_port(
            port,
            protocol=dagger.NetworkProtocol[protocol.upper()],
            experimental_skip_healthcheck=True,
        )
    script = supervisor_script(_supervised(shared, service, opened, wishes, command, fills))
    tools = shared.run.dag.directory().with_new_file("supervise", script)
    container = (
        container.with_mounted_file(BUSYBOX_PATH, shared.busybox)
        .with_mounted_file(SCRIPT_PATH, tools.file("supervise"))
        .with_mounted_file("/etc/hosts", _file(shared, "hosts", _HOSTS, 0o644))
        .with_mounted_cache(BOARD_PATH, shared.board)
    )
    return container.as_service(
        args=[BUSYBOX_PATH, "sh", SCRIPT_PATH], insecure_root_capabilities=drops_rights(service)
    )


def _supervised(
    shared: Shared,
    service: Service,
    opened: Opened,
    wishes: Wishes,
    command: tuple[str, ...],
    fills: tuple[Fill, ...],
) -> Supervised:
    settings = opened.settings
    return Supervised(
        name=service.name,
        command=command,
        account=(settings.user if service.user is None else service.user) or "0:0",
        own_home="HOME" in {*service.environment, *settings.variables},
        probe=wishes.probe,
        waits_for=wishes.waits_for,
        names=peers(wishes.services, service),
        stand_ins=wishes.stand_ins,
        own_names=own_names(service),
        hosts=service.extra_hosts,
        restart=service.restart or "no",
        stop_signal=service.stop_signal or settings.stop_signal or "TERM",
        grace_s=service.stop_grace_period_s,
        stdin_open=service.stdin_open,
        no_new_privileges=wants_no_new_privileges(service),
        read_only=service.read_only,
        offline=service.network_mode == "none",
        hostname=service.hostname,
        sysctls=service.sysctls,
        ulimits=service.ulimits,
        fills=fills,
        open_folders=_open_folders(service),
        start_limit_s=shared.start_limit_s,
        time_limit_s=wishes.time_limit_s,
        results=wishes.results,
        developed=shared.developed,
    )


def _open_folders(service: Service) -> dict[str, tuple[int, int, int]]:
    folders = {
        mount.target: (
            _EVERYBODY if mount.mode is None else mount.mode,
            mount.uid or 0,
            mount.gid or 0,
        )
        for mount in service.mounts
        if mount.kind is MountKind.TMPFS
    }
    if service.shm_size is not None:
        folders[_SHM_PATH] = (_EVERYBODY, 0, 0)
    return folders


def declared_ports(service: Service) -> list[tuple[int, str]]:
    """Return the ports that a service's entry names, with their protocols."""
    found: list[tuple[int, str]] = [(port.target, port.protocol) for port in service.ports]
    for text in service.expose:
        number, _, protocol = text.partition("/")
        first, _, last = number.partition("-")
        found += [(port, protocol or "tcp") for port in range(int(first), int(last or first) + 1)]
    return list(dict.fromkeys(found))


async def _with_mounts(
    shared: Shared, container: dagger.Container, service: Service, opened: Opened
) -> tuple[dagger.Container, tuple[Fill, ...]]:
    """Return the container with what is mounted into it, what is further up in the tree first."""
    fills: list[Fill] = []
    named = {mount.target for mount in service.mounts}
    mounts: list[Mount] = [*service.mounts, *_own_volumes(opened.settings.volumes, named)]
    if service.shm_size is not None:
        container = container.with_mounted_temp(_SHM_PATH, size=service.shm_size)
    for mount in sorted(mounts, key=lambda one: one.target.count("/")):
        match mount.kind:
            case MountKind.TMPFS:
                container = container.with_mounted_temp(mount.target, size=mount.size)
            case MountKind.BIND:
                container = await _with_bind(shared, container, service, mount)
            case MountKind.VOLUME:
                key = mount.source or f"{service.name}{mount.target}"
                seed = await _seed(opened.container, mount)
                container = container.with_mounted_cache(mount.target, shared.volume(key))
                if seed is not None:
                    place = f"{SEED_PATH}/{len(fills)}"
                    container = container.with_mounted_directory(place, seed, read_only=True)
                    fills.append(Fill(target=mount.target, seed=place, key=key.replace("/", "-")))
    return container, tuple(fills)


def _own_volumes(paths: tuple[str, ...], taken: set[str]) -> list[Mount]:
    """Return the image's own volumes, which are there whatever the compose file says."""
    from keelway.compose.project import Mount  # noqa: PLC0415 - a value to be made

    return [
        Mount(kind=MountKind.VOLUME, target=posixpath.normpath(path))
        for path in paths
        if posixpath.normpath(path) not in taken
    ]


async def _seed(image: dagger.Container, mount: Mount) -> dagger.Directory | None:
    import dagger  # noqa: PLC0415 - as above

    if mount.no_copy:
        return None
    there = await image.exists(mount.target, expected_type=dagger.ExistsType.DIRECTORY_TYPE)
    return image.directory(mount.target) if there else None


async def _with_bind(
    shared: Shared, container: dagger.Container, service: Service, mount: Mount
) -> dagger.Container:
    source = anyio.Path(mount.source or "")
    if await source.is_file():
        return container.with_mounted_file(mount.target, local_file(shared.run, str(source)))
    if await source.is_dir():
        left_out = [shared.reading] if shared.reading else []
        found = local_directory(shared.run, str(source), exclude=left_out)
    elif await source.exists() or not mount.create_host_path:
        text = f"there is no file or folder {source}"
        place = mount.place or service.place
        raise ConfigError([problem(place, f"services.{service.name}.volumes", text)])
    else:
        found = shared.run.dag.directory()
    return container.with_mounted_directory(mount.target, found, read_only=mount.read_only)


async def _with_grants(
    shared: Shared, container: dagger.Container, service: Service
) -> dagger.Container:
    for grant in service.configs:
        source = shared.project.configs[grant.source]
        path = grant.target or f"/{grant.source}"
        file = await _config_file(shared, service, grant, source)
        container = container.with_mounted_file(path, file, owner=_owner(grant))
    for grant in service.secrets:
        source = shared.project.secrets[grant.source]
        value = await _secret_value(shared, service, source)
        shared.values.add(value)
        secret = shared.run.dag.set_secret(f"{shared.nonce}/{grant.source}", value)
        container = container.with_mounted_secret(
            posixpath.join("/run/secrets", grant.target or grant.source),
            secret,
            owner=_owner(grant),
            mode=_READABLE if grant.mode is None else grant.mode,
        )
    return container


async def _config_file(
    shared: Shared, service: Service, grant: FileGrant, source: FileSource
) -> dagger.File:
    mode = _READABLE if grant.mode is None else grant.mode
    if source.file is not None:
        if not await anyio.Path(source.file).is_file():
            text = f"there is no file {source.file}"
            place = source.place or service.place
            raise ConfigError([problem(place, f"configs.{source.name}", text)])
        file = local_file(shared.run, source.file)
        return shared.run.dag.directory().with_file("config", file, permissions=mode).file("config")
    content = source.content
    if content is None:
        content = await _secret_value(shared, service, source)
    return _file(shared, "config", content, mode)


async def _secret_value(shared: Shared, service: Service, source: FileSource) -> str:
    place = source.place or service.place
    what = f"{place}: services.{service.name}: {source.name}"
    if source.file is not None and not await anyio.Path(source.file).is_file():
        raise PlanError(
            f"{what}: there is no file {source.file}",
            next_step="write it, or give the secret another source",
        )
    return await read_secret(shared.run, source_address(source), stage=shared.stage, what=what)


def _file(shared: Shared, name: str, text: str, mode: int) -> dagger.File:
    return shared.run.dag.directory().with_new_file(name, text, permissions=mode).file(name)


def _owner(grant: FileGrant) -> str:
    return f"{grant.uid or 0}:{grant.gid or 0}"
