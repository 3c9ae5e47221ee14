"""A compose project as it stands once every file was read, merged and interpolated.

These are the values that the loader gives and that everybody else reads: no template, no short
form and no unresolved path is left in them. Names are those of the Compose Specification
(https://github.com/compose-spec/compose-spec), in Python's spelling; durations are seconds, sizes
are bytes, and `None` means that nothing was said, so that the image's own setting holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was written: what errors and warnings point at."""

    file: Path
    line: int
    """From 1."""

    def __str__(self) -> str:
        """Return `compose.yaml:12`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something in the files that is not done here, told instead of dropped in silence."""

    key: str
    """As a path: `services.web.oom_score_adj`."""
    reason: str
    place: Place | None


class Condition(StrEnum):
    """What a dependency must reach before the service starts (`depends_on`)."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One entry of `depends_on`."""

    service: str
    condition: Condition = Condition.STARTED
    required: bool = True
    """False: a dependency that is not there, or fails, only gives a warning."""
    restart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A service's `healthcheck`; what is `None` is the image's, else the specification's."""

    test: tuple[str, ...] | None = None
    """`("CMD", …)`, `("CMD-SHELL", command)` or `("NONE",)`, which switches the image's off."""
    interval_s: float | None = None
    timeout_s: float | None = None
    retries: int | None = None
    start_period_s: float | None = None
    start_interval_s: float | None = None

    @property
    def disabled(self) -> bool:
        """Whether the image's own health check is switched off."""
        return self.test == ("NONE",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a service's image is built; paths are absolute."""

    context: str
    """A folder, or the URL of a git repository."""
    dockerfile: str | None = None
    """Relative to the context, as the specification says; nothing: `Dockerfile`."""
    dockerfile_inline: str | None = None
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: tuple[FileGrant, ...] = ()
    additional_contexts: Mapping[str, str] = field(default_factory=dict[str, str])
    platforms: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    ssh: tuple[str, ...] = ()
    """`default`, or `id=path`."""
    network: str | None = None
    no_cache: bool = False
    pull: bool = False
    shm_size: int | None = None
    tags: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    extra_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port, after ranges were taken apart."""

    target: int
    """In the container."""
    published: str | None = None
    """On the host: a number or a range (`8000-8010`, one of them); nothing: any free one."""
    host_ip: str | None = None
    protocol: Literal["tcp", "udp"] = "tcp"
    name: str | None = None
    app_protocol: str | None = None
    mode: Literal["ingress", "host"] = "ingress"
    place: Place | None = field(default=None, compare=False, repr=False)


class MountKind(StrEnum):
    """What is mounted."""

    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One entry of `volumes` or `tmpfs`."""

    kind: MountKind
    target: str
    """An absolute path in the container."""
    source: str | None = None
    """BIND: a path of the host, absolute. VOLUME: a key of `Project.volumes`, or anonymous."""
    read_only: bool = False
    create_host_path: bool = True
    """BIND: whether a missing folder is made (the short form does; the long one by default too)."""
    subpath: str | None = None
    no_copy: bool = False
    """VOLUME: do not fill the empty volume with what the image has at `target`."""
    size: int | None = None
    """TMPFS: bytes at most."""
    mode: int | None = None
    """TMPFS: permissions."""
    uid: int | None = None
    gid: int | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrant:
    """A secret or config that a service (or a build) is given as a file."""

    source: str
    """A key of `Project.secrets` or `Project.configs`."""
    target: str | None = None
    """The file's path; a secret's is below /run/secrets where it is not absolute. For a build's
    secret this is its id. Nothing: the source's name."""
    uid: str | None = None
    gid: str | None = None
    mode: int | None = None
    """Permissions; nothing: 0o444."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Where a top-level secret or config comes from: one of these."""

    name: str
    file: Path | None = None
    """Absolute."""
    environment: str | None = None
    """A variable's name."""
    content: str | None = None
    """Configs only."""
    external: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A top-level network."""

    name: str
    """The name outside of the project."""
    internal: bool = False
    external: bool = False
    driver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A top-level volume."""

    name: str
    """The name outside of the project."""
    external: bool = False
    driver: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A service's place in a network."""

    network: str
    """A key of `Project.networks`."""
    aliases: tuple[str, ...] = ()
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Limits or reservations (`deploy.resources`, or the older keys of the service itself)."""

    cpus: float | None = None
    memory: int | None = None
    """Bytes."""
    pids: int | None = None


class WatchAction(StrEnum):
    """What `develop.watch` does when a file changed."""

    SYNC = "sync"
    REBUILD = "rebuild"
    RESTART = "restart"
    SYNC_RESTART = "sync+restart"
    SYNC_EXEC = "sync+exec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One entry of `develop.watch`."""

    path: Path
    """Absolute."""
    action: WatchAction
    target: str | None = None
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    initial_sync: bool = False
    exec_command: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. `image` or `build` is given, or both (then `image` names what is built)."""

    name: str
    place: Place
    image: str | None = None
    build: Build | None = None
    pull_policy: str | None = None
    platform: str | None = None
    command: tuple[str, ...] | None = None
    """In place of the image's CMD; `()` takes it away. A string was split as a shell would."""
    entrypoint: tuple[str, ...] | None = None
    """In place of the image's ENTRYPOINT, and then of its CMD too; `()` takes them away."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """`env_file` below `environment`, resolved; variables that are set nowhere are left out."""
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    """`8080` or `53/udp`."""
    mounts: tuple[Mount, ...] = ()
    depends_on: Mapping[str, Dependency] = field(default_factory=dict[str, Dependency])
    healthcheck: HealthCheck | None = None
    networks: Mapping[str, Attachment] = field(default_factory=dict[str, Attachment])
    """By the network's key; `{"default": …}` where nothing was said; empty with `network_mode`."""
    network_mode: str | None = None
    """`none`, `host`, `bridge` (a network of its own, without names), `service:NAME`."""
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    """Alias to service."""
    extra_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """A name's addresses (`host-gateway` is one of them as written)."""
    hostname: str | None = None
    domainname: str | None = None
    container_name: str | None = None
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    user: str | None = None
    group_add: tuple[str, ...] = ()
    working_dir: str | None = None
    init: bool | None = None
    read_only: bool = False
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict[str, str])
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, "tuple[int, int]"])
    """Soft and hard limit."""
    shm_size: int | None = None
    stop_signal: str | None = None
    stop_grace_period_s: float = 10.0
    restart: str | None = None
    """`no`, `always`, `on-failure`, `on-failure:3`, `unless-stopped`."""
    secrets: tuple[FileGrant, ...] = ()
    configs: tuple[FileGrant, ...] = ()
    limits: Resources = field(default_factory=Resources)
    reservations: Resources = field(default_factory=Resources)
    replicas: int = 1
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    profiles: tuple[str, ...] = ()
    tty: bool = False
    stdin_open: bool = False
    watch: tuple[Watch, ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict[str, object])
    """The keys that begin with `x-`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """All of it: what `keelway compose config` prints."""

    name: str
    """Its name, of which names of containers and networks begin."""
    folder: Path
    """The project's folder, absolute: what relative paths in the files were relative to."""
    files: tuple[Path, ...]
    """The compose files, in the order in which they were merged."""
    services: Mapping[str, Service]
    """Those that the profiles switch on, in the files' order."""
    disabled: Mapping[str, Service] = field(default_factory=dict[str, Service])
    """Those that wait for a profile of theirs; their env files are not read."""
    networks: Mapping[str, Network] = field(default_factory=dict[str, Network])
    """By the name under `networks`."""
    volumes: Mapping[str, Volume] = field(default_factory=dict[str, Volume])
    """By the name under `volumes`."""
    secrets: Mapping[str, FileSource] = field(default_factory=dict[str, FileSource])
    """By the name under `secrets`."""
    configs: Mapping[str, FileSource] = field(default_factory=dict[str, FileSource])
    """By the name under `configs`."""
    notices: tuple[Notice, ...] = ()
    """What was asked for and is not done here."""
    extensions: Mapping[str, object] = field(default_factory=dict[str, object])
    """What stands under keys that begin with `x-`."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What the files were filled in from: the environment over the project's `.env` files. The
    secrets and configs whose source is a variable find it here."""
