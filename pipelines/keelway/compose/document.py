"""A project in the Compose format, resolved: what `keelway compose config` prints.

It can be loaded again, and gives the same project: a `$` is doubled, paths are absolute, durations
and sizes have their units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import yaml

from keelway.compose.project import MountKind
from keelway.compose.scalars import read_plain
from keelway.compose.sizes import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.project import (
        Build,
        FileGrant,
        FileSource,
        HealthCheck,
        Mount,
        Port,
        Project,
        Resources,
        Service,
        Watch,
    )

Document = dict[str, object]


def project_document(project: Project) -> Document:
    """Return the project as a compose file says it: mappings, lists, texts and numbers."""
    document: Document = {
        "name": project.name,
        "services": {name: _service(one) for name, one in project.services.items()},
        "networks": {
            key: _filled(
                name=one.name, driver=one.driver, internal=one.internal, external=one.external
            )
            for key, one in project.networks.items()
        },
        "volumes": {
            key: _filled(
                name=one.name, driver=one.driver, external=one.external, labels=dict(one.labels)
            )
            for key, one in project.volumes.items()
        },
        "secrets": {key: _source(one) for key, one in project.secrets.items()},
        "configs": {key: _source(one) for key, one in project.configs.items()},
    }
    kept = {key: value for key, value in document.items() if value or key == "services"}
    return escaped({**kept, **project.extensions})


def project_yaml(project: Project) -> str:
    """Return the document as YAML."""
    return document_yaml(project_document(project))


def document_yaml(document: Document) -> str:
    """Return a document as YAML that all readers of compose files read alike."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


class _Dumper(yaml.SafeDumper):
    """Quotes every text that would be read as something else: as Compose reads it, not PyYAML."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Return the text as YAML writes it."""
        style = None if isinstance(read_plain(text), str) and text != "<<" else "'"
        return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _service(one: Service) -> Document:
    return {
        **_filled(
            image=one.image,
            pull_policy=one.pull_policy,
            platform=one.platform,
            environment=dict(one.environment),
            ports=[_port(port) for port in one.ports],
            expose=list(one.expose),
            network_mode=one.network_mode,
            extra_hosts={name: list(addresses) for name, addresses in one.extra_hosts.items()},
            hostname=one.hostname,
            domainname=one.domainname,
            container_name=one.container_name,
            dns=list(one.dns),
            dns_search=list(one.dns_search),
            user=one.user,
            group_add=list(one.group_add),
            working_dir=one.working_dir,
            read_only=one.read_only,
            privileged=one.privileged,
            cap_add=list(one.cap_add),
            cap_drop=list(one.cap_drop),
            security_opt=list(one.security_opt),
            sysctls=dict(one.sysctls),
            ulimits={
                name: {"soft": soft, "hard": hard} for name, (soft, hard) in one.ulimits.items()
            },
            stop_signal=one.stop_signal,
            restart=one.restart,
            secrets=[_grant(grant) for grant in one.secrets],
            configs=[_grant(grant) for grant in one.configs],
            labels=dict(one.labels),
            annotations=dict(one.annotations),
            profiles=list(one.profiles),
            tty=one.tty,
            stdin_open=one.stdin_open,
            links=[f"{name}:{alias}" for alias, name in one.links.items()],
        ),
        **_service_parts(one),
        **one.extensions,
    }


def _service_parts(one: Service) -> Document:
    """Return what needs more than a copy, and what says something even when it is empty."""
    parts: Document = _filled(
        build=None if one.build is None else _build(one.build),
        volumes=[_mount(mount) for mount in one.mounts if not _is_short_tmpfs(mount)],
        tmpfs=[_tmpfs(mount) for mount in one.mounts if _is_short_tmpfs(mount)],
        depends_on={
            name: {
                "condition": str(dependency.condition),
                "required": dependency.required,
                "restart": dependency.restart,
            }
            for name, dependency in one.depends_on.items()
        },
        networks={
            name: _filled(aliases=list(place.aliases), priority=place.priority) or None
            for name, place in one.networks.items()
        },
        deploy=_deploy(one),
        develop={"watch": [_watch(watch) for watch in one.watch]} if one.watch else None,
    )
    if one.healthcheck is not None:
        parts["healthcheck"] = _healthcheck(one.healthcheck)
    for key, words in (("command", one.command), ("entrypoint", one.entrypoint)):
        if words is not None:
            parts[key] = list(words)
    if one.init is not None:
        parts["init"] = one.init
    if one.shm_size is not None:
        parts["shm_size"] = str(one.shm_size)
    parts["stop_grace_period"] = show_duration(one.stop_grace_period_s)
    return parts


def _deploy(one: Service) -> Document:
    resources = _filled(limits=_resources(one.limits), reservations=_resources(one.reservations))
    deploy = _filled(resources=resources)
    if one.replicas != 1:
        deploy["replicas"] = one.replicas
    return deploy


def _resources(one: Resources) -> Document:
    written = {
        "cpus": None if one.cpus is None else str(one.cpus),
        "memory": None if one.memory is None else str(one.memory),
        "pids": one.pids,
    }
    return {key: value for key, value in written.items() if value is not None}


def _build(one: Build) -> Document:
    return _filled(
        context=one.context,
        dockerfile=one.dockerfile,
        dockerfile_inline=one.dockerfile_inline,
        target=one.target,
        args=dict(one.args),
        secrets=[_grant(grant) for grant in one.secrets],
        additional_contexts=dict(one.additional_contexts),
        platforms=list(one.platforms),
        labels=dict(one.labels),
        ssh=list(one.ssh),
        network=one.network,
        no_cache=one.no_cache,
        pull=one.pull,
        shm_size=None if one.shm_size is None else str(one.shm_size),
        tags=list(one.tags),
        cache_from=list(one.cache_from),
        cache_to=list(one.cache_to),
        extra_hosts={name: list(addresses) for name, addresses in one.extra_hosts.items()},
    )


def _port(one: Port) -> Document:
    return _filled(
        name=one.name,
        mode=one.mode,
        host_ip=one.host_ip,
        target=one.target,
        published=one.published,
        protocol=one.protocol,
        app_protocol=one.app_protocol,
    )


def _is_short_tmpfs(one: Mount) -> bool:
    """Return whether only the short form can say it."""
    return one.kind is MountKind.TMPFS and (one.uid is not None or one.gid is not None)


def _mount(one: Mount) -> Document:
    kind: Document = {}
    if one.kind is MountKind.BIND:
        kind["bind"] = {"create_host_path": one.create_host_path}
    elif one.kind is MountKind.VOLUME:
        kind = _filled(volume=_filled(nocopy=one.no_copy, subpath=one.subpath))
    else:
        limits = {"size": one.size, "mode": one.mode}
        kind = _filled(tmpfs={k: v for k, v in limits.items() if v is not None})
    return {
        **_filled(
            type=str(one.kind), source=one.source, target=one.target, read_only=one.read_only
        ),
        **kind,
    }


def _tmpfs(one: Mount) -> str:
    options = [
        *(["ro"] if one.read_only else []),
        *([] if one.size is None else [f"size={one.size}"]),
        *([] if one.mode is None else [f"mode={one.mode:o}"]),
        *([] if one.uid is None else [f"uid={one.uid}"]),
        *([] if one.gid is None else [f"gid={one.gid}"]),
    ]
    return f"{one.target}:{','.join(options)}"


def _healthcheck(one: HealthCheck) -> Document:
    times = {
        "interval": one.interval_s,
        "timeout": one.timeout_s,
        "start_period": one.start_period_s,
        "start_interval": one.start_interval_s,
    }
    written: Document = {
        key: show_duration(seconds) for key, seconds in times.items() if seconds is not None
    }
    if one.test is not None:
        written["test"] = list(one.test)
    if one.retries is not None:
        written["retries"] = one.retries
    return written


def _grant(one: FileGrant) -> Document:
    mode = None if one.mode is None else f"{one.mode:04o}"
    return _filled(source=one.source, target=one.target, uid=one.uid, gid=one.gid, mode=mode)


def _source(one: FileSource) -> Document:
    written = _filled(
        name=one.name,
        file=None if one.file is None else str(one.file),
        environment=one.environment,
        external=one.external,
    )
    return written if one.content is None else {**written, "content": one.content}


def _watch(one: Watch) -> Document:
    return _filled(
        path=str(one.path),
        action=str(one.action),
        target=one.target,
        ignore=list(one.ignore),
        include=list(one.include),
        initial_sync=one.initial_sync,
        exec={"command": list(one.exec_command)} if one.exec_command else None,
    )


def _filled(**entries: object) -> Document:
    """Return the entries that say something."""
    empty: tuple[object, ...] = (None, False, [], {}, "", 0)
    return {key: value for key, value in entries.items() if value not in empty}


def escaped(document: Mapping[str, object]) -> Document:
    """Return the document with every `$` doubled, since it is interpolated when it is read."""
    return {key: _escaped_value(value) for key, value in document.items()}


def _escaped_value(value: object) -> object:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_escaped_value(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return escaped(cast("Mapping[str, object]", value))
    return value
