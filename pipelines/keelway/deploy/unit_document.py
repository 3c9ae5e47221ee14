"""One service of a unit's file: only what all compose programs read alike.

Those are the plugin of Docker, docker-compose 1.29 and podman-compose 1.0; so limits are keys of
the service itself, ports and volumes are texts, and what only newer ones know is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.compose.project import MountKind
from keelway.compose.sizes import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway.compose.project import HealthCheck, Mount, Port, Service
    from keelway.deploy.choice import Limits, Rendering

Document = dict[str, object]

LABEL = "dev.keelway"
COLOUR_VARIABLE = "DEPLOYMENT_COLOR"
VERSION_VARIABLE = "DEPLOYMENT_VERSION"
_TMP = "/tmp"  # noqa: S108 - a name in a container
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """A service, all that is written of it decided."""

    service: Service
    image: str
    """By digest."""
    is_released: bool
    """Whether the image is of the release."""
    runs_once: bool
    """Whether others wait for its end."""
    peers: frozenset[str]
    """The services of the unit."""
    networks: Mapping[str, Sequence[str]]
    """By key, the names that it has there beside its own."""
    files: Sequence[str]
    """What secrets and configs become, as volumes."""
    limits: Limits
    scratch: Sequence[str]
    """Folders in memory, beside `/tmp`."""
    allowed: frozenset[str]
    """What it may do though others may not."""


def service_document(plan: ServicePlan, choice: Rendering) -> Document:
    """Return a service as the unit's file says it."""
    service = plan.service
    document: Document = {
        "image": plan.image,
        "platform": service.platform,
        "command": _listed(service.command),
        "entrypoint": _listed(service.entrypoint),
        "environment": _environment(plan, choice),
        "ports": [
            *(_port(service.name, port, choice) for port in service.ports),
            *_for_the_proxy(service, choice),
        ],
        "expose": list(service.expose),
        "volumes": [*_volumes(service.mounts), *plan.files],
        "tmpfs": list(_tmpfs(plan)),
        "depends_on": {
            name: {"condition": str(one.condition)}
            for name, one in service.depends_on.items()
            if name in plan.peers
        },
        "healthcheck": _healthcheck(service.healthcheck),
        "network_mode": service.network_mode,
        "networks": {
            key: {"aliases": list(aliases)} if aliases else None
            for key, aliases in plan.networks.items()
        },
        "labels": {**service.labels, **_labels(plan, choice)},
        **_settings(service),
        **_hardened(plan),
    }
    kept = {key: value for key, value in document.items() if value is not None and value != []}
    return {key: value for key, value in kept.items() if value != {}}


def _environment(plan: ServicePlan, choice: Rendering) -> dict[str, str]:
    """Return the variables; what is not of the release is not told of it: it would be made anew."""
    version = {VERSION_VARIABLE: choice.version} if plan.is_released else {}
    colour = {COLOUR_VARIABLE: choice.colour} if choice.colour else {}
    return {**plan.service.environment, **version, **colour}


def _settings(service: Service) -> Document:
    """Return what is copied as it is."""
    return {
        "hostname": service.hostname,
        "domainname": service.domainname,
        "container_name": service.container_name,
        "dns": list(service.dns),
        "dns_search": list(service.dns_search),
        "extra_hosts": [
            f"{name}:{address}"
            for name, addresses in service.extra_hosts.items()
            for address in addresses
        ],
        "links": [f"{name}:{alias}" for alias, name in service.links.items()],
        "user": service.user,
        "group_add": list(service.group_add),
        "working_dir": service.working_dir,
        "sysctls": dict(service.sysctls),
        "ulimits": {
            name: {"soft": soft, "hard": hard} for name, (soft, hard) in service.ulimits.items()
        },
        "shm_size": service.shm_size,
        "stop_signal": service.stop_signal,
        "stop_grace_period": show_duration(service.stop_grace_period_s),
        "tty": service.tty or None,
        "stdin_open": service.stdin_open or None,
        "scale": None if service.replicas == 1 else service.replicas,
    }


def _hardened(plan: ServicePlan) -> Document:
    service, limits = plan.service, plan.limits
    options = [one for one in service.security_opt if f"security_opt:{one}" in plan.allowed]
    weakened = any(one.startswith("no-new-privileges") for one in options)
    return {
        "read_only": "writable-root" not in plan.allowed,
        "privileged": service.privileged or None,
        "security_opt": options if weakened else ["no-new-privileges:true", *options],
        "cap_drop": ["ALL"],
        "cap_add": [name.upper().removeprefix("CAP_") for name in service.cap_add],
        "init": service.init is not False,
        "restart": service.restart or ("no" if plan.runs_once else "unless-stopped"),
        "cpus": limits.cpus,
        "mem_limit": limits.memory,
        "mem_reservation": service.reservations.memory,
        "pids_limit": limits.pids,
        "logging": {
            "driver": "json-file",
            "options": {"max-size": limits.log_size, "max-file": str(limits.log_files)},
        },
    }


def _labels(plan: ServicePlan, choice: Rendering) -> dict[str, str]:
    """Return what tells a container's release.

    What is not of the release has no version: it would be made anew by each one.
    """
    labels = {f"{LABEL}.digest": plan.image.partition("@")[2]}
    if plan.is_released:
        labels[f"{LABEL}.version"] = choice.version
        if choice.revision:
            labels[f"{LABEL}.revision"] = choice.revision
        if choice.colour:
            labels[f"{LABEL}.colour"] = choice.colour
    return labels


def _port(service: str, port: Port, choice: Rendering) -> str:
    """Return a published port; those of a colour are the proxy's, and nobody else's."""
    address, published = port.host_ip, port.published or ""
    if choice.colour:
        own = choice.ports.get((service, port.target))
        address, published = _LOOPBACK, "" if own is None else str(own)
    shown = f"[{address}]" if address is not None and ":" in address else address
    before = [shown, published] if shown else [published] if published else []
    return ":".join([*before, f"{port.target}/{port.protocol}"])


def _for_the_proxy(service: Service, choice: Rendering) -> Iterator[str]:
    """Yield the ports that the proxy needs, and that the compose files don't publish."""
    published = {port.target for port in service.ports}
    for (name, target), own in choice.ports.items():
        if choice.colour and name == service.name and target not in published:
            yield f"{_LOOPBACK}:{own}:{target}/tcp"


def _volumes(mounts: Sequence[Mount]) -> Iterator[str | Document]:
    for mount in mounts:
        if mount.kind is MountKind.VOLUME:
            options = [*(["ro"] if mount.read_only else []), *(["nocopy"] if mount.no_copy else [])]
            yield ":".join(filter(None, (mount.source, mount.target, ",".join(options))))
        elif mount.kind is MountKind.BIND:
            # The long form never makes a folder where there is nothing to mount.
            yield {
                "type": "bind",
                "source": mount.source,
                "target": mount.target,
                "read_only": mount.read_only,
            }


def _tmpfs(plan: ServicePlan) -> Iterator[str]:
    mounted = {mount.target for mount in plan.service.mounts}
    for mount in plan.service.mounts:
        if mount.kind is MountKind.TMPFS:
            yield f"{mount.target}:{','.join(_tmpfs_options(mount, plan.limits))}"
    for path in dict.fromkeys((_TMP, *plan.scratch)):
        if path not in mounted:
            yield f"{path}:size={plan.limits.scratch},mode=1777"


def _tmpfs_options(mount: Mount, limits: Limits) -> Iterator[str]:
    if mount.read_only:
        yield "ro"
    yield f"size={limits.scratch if mount.size is None else mount.size}"
    yield f"mode={0o1777 if mount.mode is None else mount.mode:o}"
    if mount.uid is not None:
        yield f"uid={mount.uid}"
    if mount.gid is not None:
        yield f"gid={mount.gid}"


def _healthcheck(check: HealthCheck | None) -> Document:
    if check is None:
        return {}
    if check.disabled:
        return {"test": ["NONE"]}
    times = {
        "interval": check.interval_s,
        "timeout": check.timeout_s,
        "start_period": check.start_period_s,
    }
    return {
        **({} if check.test is None else {"test": list(check.test)}),
        **{key: show_duration(value) for key, value in times.items() if value is not None},
        **({} if check.retries is None else {"retries": check.retries}),
    }


def _listed(words: Sequence[str] | None) -> list[str] | None:
    return None if words is None else list(words)
