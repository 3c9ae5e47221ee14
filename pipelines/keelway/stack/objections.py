"""What of a compose project cannot be done by an engine: refused with its place, or told.

Nothing is dropped in silence. What would change the meaning of a test is an error; what only makes
the test less strict than the real thing is a notice.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway.compose.loader import project_root
from keelway.compose.project import Condition, MountKind, Notice
from keelway.errors import ConfigError, ConfigProblem
from keelway.stack.supervise import KNOWN_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keelway.compose.project import Build, FileSource, Mount, Place, Project, Service
    from keelway.stack.supervise import Probe

_ROOT = frozenset({"", "0", "root", "0:0", "root:root"})
_KEEPS_CAPABILITIES = "it runs as root, and keeps the capabilities that the engine gives"
_NO_NEW_PRIVILEGES = frozenset({"no-new-privileges", "no-new-privileges:true"})


LEAVE_OUT = "change it, or leave the service out of the suite by `services`"


def check_project(
    project: Project, services: Iterable[Service], *, next_step: str = LEAVE_OUT
) -> tuple[Notice, ...]:
    """Return what is not done of these services.

    Args:
        project: What they belong to.
        services: Those that are started.
        next_step: What to do about one that cannot be.

    Raises:
        ConfigError: For what must not be left out, each problem with its file, line and key.
    """
    chosen = tuple(services)
    problems = [problem for service in chosen for problem in _problems(project, service)]
    if problems:
        raise ConfigError(problems, next_step=next_step)
    told = [notice for service in chosen for notice in _notices(service)]
    return (*project.notices, *_network_notices(project, chosen), *told)


def runs_as_root(account: str) -> bool:
    """Return whether a user, as an image or a project names it, is root."""
    return account in _ROOT


def image_notices(service: Service, account: str) -> tuple[str, ...]:
    """Return what of a service cannot be done for an image whose user is this one."""
    if service.user is None and service.cap_drop and runs_as_root(account):
        return (f"{service.place}: services.{service.name}.cap_drop: {_KEEPS_CAPABILITIES}",)
    return ()


def require_health_checks(service: Service, probes: Mapping[str, Probe | None]) -> None:
    """Return when all that a service waits for to be healthy has a health check.

    Args:
        service: The service that waits.
        probes: The health checks that are known so far, by service; nothing where there is none.

    Raises:
        ConfigError: One has none.
    """
    for name, wanted in service.depends_on.items():
        known = name in probes and wanted.condition is Condition.HEALTHY
        if known and probes[name] is None:
            text = f"{name} has no health check, neither in the file nor in its image"
            key = f"services.{service.name}.depends_on.{name}"
            raise ConfigError([problem(service.place, key, text)])


def drops_rights(service: Service) -> bool:
    """Return whether a service asks for something that only a privileged container can set up."""
    return bool(
        service.read_only
        or service.hostname
        or service.sysctls
        or service.privileged
        or service.cap_add
        or service.network_mode == "none"
    )


def wants_no_new_privileges(service: Service) -> bool:
    """Return whether a service must not gain rights by set-user-id programs."""
    return any(option.replace("=", ":") in _NO_NEW_PRIVILEGES for option in service.security_opt)


def problem(place: Place | None, key: str, text: str) -> ConfigProblem:
    """Return one thing that is wrong, at its place."""
    if place is None:
        return ConfigProblem(file="compose", line=None, key=key, text=text)
    return ConfigProblem(file=str(place.file), line=place.line, key=key, text=text)


def _problems(project: Project, service: Service) -> Iterator[ConfigProblem]:
    key = f"services.{service.name}"
    mode = service.network_mode
    if mode not in {None, "none", "bridge"}:
        text = f"{mode!r} is not possible: each service has a network of its own here"
        yield problem(service.place, f"{key}.network_mode", text)
    for mount in service.mounts:
        against = _mount_objection(project, mount)
        if against is not None:
            yield problem(mount.place or service.place, f"{key}.volumes", against)
    yield from _file_problems(project, service, key)
    if service.build is not None:
        yield from _build_problems(service.build, service.place, f"{key}.build")


def _mount_objection(project: Project, mount: Mount) -> str | None:
    if mount.subpath is not None:
        return f"{mount.target}: a part of a volume cannot be mounted (subpath)"
    if mount.source is None:
        return None
    if mount.kind is MountKind.BIND:
        root = project_root(project.folder)
        inside = Path(mount.source).resolve().is_relative_to(root)
        return None if inside else f"{mount.source} is outside of the project ({root})"
    volume = project.volumes.get(mount.source)
    if volume is not None and volume.external:
        return f"the volume {mount.source} is external: there are only the project's own"
    return None


def _file_problems(project: Project, service: Service, key: str) -> Iterator[ConfigProblem]:
    for kind, grants, sources in (
        ("secrets", service.secrets, project.secrets),
        ("configs", service.configs, project.configs),
    ):
        for grant in grants:
            source = sources.get(grant.source)
            if source is None:
                missing = f"there is no {grant.source!r} in the project's {kind}"
                yield problem(service.place, f"{key}.{kind}", missing)
            elif (text := _source_objection(source)) is not None:
                yield problem(source.place or service.place, f"{kind}.{grant.source}", text)


def _source_objection(source: FileSource) -> str | None:
    if source.external:
        return "it is external: give it a file or an environment variable"
    if (source.file, source.environment, source.content) == (None, None, None):
        return "it has neither a file nor an environment variable"
    return None


def _build_problems(build: Build, place: Place, key: str) -> Iterator[ConfigProblem]:
    if build.additional_contexts:
        text = "further contexts cannot be given to a build here"
        yield problem(place, f"{key}.additional_contexts", text)
    if build.ssh:
        yield problem(place, f"{key}.ssh", "an SSH agent is not given to builds of services")


def _network_notices(project: Project, services: tuple[Service, ...]) -> Iterator[Notice]:
    used = {key for service in services for key in service.networks}
    for key, network in project.networks.items():
        if key not in used:
            continue
        if network.internal:
            text = "services of an internal network can still reach the outside"
            yield Notice(key=f"networks.{key}.internal", reason=text, place=None)
        if network.external:
            text = "an external network is one of this run only: nobody else is in it"
            yield Notice(key=f"networks.{key}.external", reason=text, place=None)


def _notices(service: Service) -> Iterator[Notice]:
    def notice(key: str, reason: str) -> Notice:
        return Notice(key=f"services.{service.name}.{key}", reason=reason, place=service.place)

    yield from (notice(key, reason) for key, given, reason in _told(service) if given)
    for name in sorted(service.ulimits.keys() - KNOWN_LIMITS):
        yield notice(f"ulimits.{name}", "this limit is not set here")
    for mount in service.mounts:
        if mount.kind is MountKind.BIND and not mount.read_only:
            yield notice("volumes", f"{mount.target} is a copy: what is written stays in the run")
    build = () if service.build is None else _build_told(service.build)
    yield from (notice(f"build.{key}", reason) for key, reason in build)


def _told(service: Service) -> tuple[tuple[str, object, str], ...]:
    as_root = service.user is not None and runs_as_root(service.user)
    others = [
        option
        for option in service.security_opt
        if option.replace("=", ":") not in {*_NO_NEW_PRIVILEGES, "no-new-privileges:false"}
    ]
    limits = service.limits
    return (
        ("cap_drop", service.cap_drop and as_root, _KEEPS_CAPABILITIES),
        ("cap_add", service.cap_add, "the container is given all capabilities"),
        ("security_opt", others, f"not enforced: {', '.join(others)}"),
        ("group_add", service.group_add, "further groups are not given"),
        ("dns", service.dns or service.dns_search, "names are looked up by the engine's own"),
        ("tty", service.tty, "there is no terminal"),
        ("deploy.replicas", service.replicas > 1, f"one is started, not {service.replicas}"),
        ("deploy.resources.limits.memory", limits.memory, "memory is not limited"),
        ("deploy.resources.limits.cpus", limits.cpus, "processors are not limited"),
        ("deploy.resources.limits.pids", limits.pids, "processes are not limited"),
        ("pull_policy", service.pull_policy in {"always", "never", "daily", "weekly"},
         "an image is looked up once in a session"),
    )  # fmt: skip


def _build_told(build: Build) -> Iterator[tuple[str, str]]:
    for key, given in (
        ("network", build.network not in {None, "default"}),
        ("no_cache", build.no_cache),
        ("pull", build.pull),
        ("shm_size", build.shm_size),
        ("cache_from", build.cache_from),
        ("cache_to", build.cache_to),
        ("extra_hosts", build.extra_hosts),
        ("platforms", build.platforms),
        ("tags", build.tags),
    ):
        if given:
            yield key, "a build of a service does not have this here"
