"""One service, from what the files say of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.compose.build_section import read_build, read_grants, read_hosts, texts_of
from keelway.compose.env_files import read_environment, read_labels
from keelway.compose.keys_service import PULL_POLICY
from keelway.compose.mounts import read_mounts
from keelway.compose.ports import read_ports
from keelway.compose.project import (
    Attachment,
    Condition,
    Dependency,
    HealthCheck,
    Service,
    Watch,
    WatchAction,
)
from keelway.compose.resources import (
    read_limits,
    read_replicas,
    read_reservations,
    read_restart,
    read_ulimits,
)
from keelway.compose.tree import Map, Scalar, plain

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.compose.files import Files
    from keelway.compose.value import Value

_TESTS = ("CMD", "CMD-SHELL", "NONE")
_CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_GRACE_S = 10.0
_SERVICE = "service:"


def read_service(name: str, value: Value, root: Path, files: Files, *, is_enabled: bool) -> Service:
    """Return the service.

    Args:
        name: Its name.
        value: What the files say of it; its shape was checked.
        root: The folder that holds all of the project.
        files: Reads the files that it names.
        is_enabled: Whether it is switched on, or used: of others, no files are read.
    """
    grace = value.get("stop_grace_period").duration_s()
    return Service(
        name=name,
        place=value.place,
        image=value.get("image").text() or None,
        build=read_build(value.get("build")),
        pull_policy=_pull_policy(value.get("pull_policy")),
        platform=value.get("platform").text(),
        command=value.get("command").words(),
        entrypoint=value.get("entrypoint").words(),
        environment=read_environment(value, files) if is_enabled else {},
        ports=read_ports(value.get("ports")),
        expose=value.get("expose").texts(),
        mounts=read_mounts(value, root),
        depends_on=_depends_on(value),
        healthcheck=_healthcheck(value.get("healthcheck")),
        networks=_networks(value),
        network_mode=_network_mode(value.get("network_mode")),
        links=_links(value),
        extra_hosts=read_hosts(value.get("extra_hosts")),
        hostname=value.get("hostname").text(),
        domainname=value.get("domainname").text(),
        container_name=_container_name(value.get("container_name")),
        dns=tuple(filter(None, value.get("dns").texts())),
        dns_search=value.get("dns_search").texts(),
        user=value.get("user").text(),
        group_add=value.get("group_add").texts(),
        working_dir=value.get("working_dir").text(),
        init=value.get("init").flag(),
        read_only=value.get("read_only").flag() or False,
        privileged=value.get("privileged").flag() or False,
        cap_add=value.get("cap_add").texts(),
        cap_drop=value.get("cap_drop").texts(),
        security_opt=value.get("security_opt").texts(),
        sysctls=texts_of(value.get("sysctls")),
        ulimits=read_ulimits(value.get("ulimits")),
        shm_size=value.get("shm_size").size(),
        stop_signal=value.get("stop_signal").text(),
        stop_grace_period_s=_GRACE_S if grace is None else grace,
        restart=read_restart(value),
        secrets=read_grants(value.get("secrets")),
        configs=read_grants(value.get("configs")),
        limits=read_limits(value),
        reservations=read_reservations(value),
        replicas=read_replicas(value),
        labels=read_labels(value, files) if is_enabled else texts_of(value.get("labels")),
        annotations=texts_of(value.get("annotations")),
        profiles=value.get("profiles").texts(),
        tty=value.get("tty").flag() or False,
        stdin_open=value.get("stdin_open").flag() or False,
        watch=_watch(value.get("develop", "watch")),
        extensions=extensions_of(value),
    )


def extensions_of(value: Value) -> dict[str, object]:
    """Return the keys that are the user's own."""
    if not isinstance(value.node, Map):
        return {}
    entries = value.node.entries.items()
    return {key: plain(node) for key, node in entries if key.startswith("x-")}


def _container_name(value: Value) -> str | None:
    said = value.text()
    if said is not None and not _CONTAINER_NAME.search(said):
        value.error(f"'{said}' cannot name a container: two letters, digits, '_', '.' or '-'")
    return said


def _pull_policy(value: Value) -> str | None:
    said = value.text()
    if said is not None and not PULL_POLICY.fullmatch(said):
        value.error(
            f"'{said}' is not one of always, never, missing, build, daily, weekly, every_1d"
        )
    return said


def _depends_on(service: Value) -> dict[str, Dependency]:
    found: dict[str, Dependency] = {}
    for name, value in service.get("depends_on").own_entries().items():
        required = value.get("required").flag()
        found[name] = Dependency(
            service=name,
            condition=Condition(value.get("condition").text() or Condition.STARTED),
            required=required is not False,
            restart=value.get("restart").flag() or False,
        )
    shared = service.get("network_mode").text() or ""
    implied = list(_links(service).values())
    if shared.startswith(_SERVICE):
        implied.append(shared.removeprefix(_SERVICE))
    for name in implied:
        found.setdefault(name, Dependency(service=name, restart=True))
    return found


def _links(service: Value) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in service.get("links").texts():
        name, _, alias = item.partition(":")
        found[alias or name] = name
    return found


def _healthcheck(value: Value) -> HealthCheck | None:
    if not value.is_there:
        return None
    test = value.get("test")
    words: tuple[str, ...] | None = None
    if test.is_there:
        is_text = isinstance(test.node, Scalar)
        words = ("CMD-SHELL", test.text() or "") if is_text else test.texts() or None
    if words is not None and words[0] not in _TESTS:
        test.error_if_enabled(f"begins with '{words[0]}', not with one of {', '.join(_TESTS)}")
    retries = value.get("retries").number()
    return HealthCheck(
        test=("NONE",) if value.get("disable").flag() else words,
        interval_s=value.get("interval").duration_s(),
        timeout_s=value.get("timeout").duration_s(),
        retries=None if retries is None else int(retries),
        start_period_s=value.get("start_period").duration_s(),
        start_interval_s=value.get("start_interval").duration_s(),
    )


def _networks(service: Value) -> dict[str, Attachment]:
    written = service.get("networks").own_entries()
    if service.get("network_mode").is_there:
        if written:
            text = "network_mode and networks exclude each other"
            service.get("network_mode").error_if_enabled(text)
        return {}
    if not written:
        return {"default": Attachment(network="default")}
    return {
        name: Attachment(
            network=name,
            aliases=value.get("aliases").texts(),
            priority=int(value.get("priority").number() or 0),
        )
        for name, value in written.items()
    }


def _network_mode(value: Value) -> str | None:
    said = value.text()
    if said and said not in {"none", "host", "bridge"} and not said.startswith(_SERVICE):
        text = f"cannot be done here: '{said}' is not one of none, host, bridge, service:NAME"
        value.error_if_enabled(text)
    return said


def _watch(value: Value) -> tuple[Watch, ...]:
    found: list[Watch] = []
    for item in value.items():
        action = WatchAction(item.get("action").text() or WatchAction.REBUILD)
        target = item.get("target").text()
        needs_target = action not in {WatchAction.REBUILD, WatchAction.RESTART}
        if needs_target and not target:
            item.error_if_enabled(f"the key 'target' is required to {action}, and it is missing")
        path = item.get("path").absolute_path()
        if path is None:
            continue
        found.append(
            Watch(
                path=path,
                action=action,
                target=target,
                ignore=item.get("ignore").texts(),
                include=item.get("include").texts(),
                initial_sync=item.get("initial_sync").flag() or False,
                exec_command=item.get("exec", "command").words() or (),
                place=item.place,
            )
        )
    return tuple(found)
