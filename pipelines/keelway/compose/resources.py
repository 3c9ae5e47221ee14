"""How much of the machine a service gets, how often it runs, and when it is started again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from keelway.compose.project import Resources
from keelway.compose.tree import Map
from keelway.compose.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T", int, float)
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")
_CONDITIONS = {
    "any": "always",
    "always": "always",
    "none": "no",
    "no": "no",
    "on-failure": "on-failure",
    "unless-stopped": "unless-stopped",
}


def read_limits(service: Value) -> Resources:
    """Return what the service may use at most, from `deploy` or the keys of the service itself."""
    limits = service.get("deploy", "resources", "limits")
    return Resources(
        cpus=_agreed(service.get("cpus"), limits.get("cpus"), Value.number),
        memory=_agreed(service.get("mem_limit"), limits.get("memory"), Value.size),
        pids=_agreed(service.get("pids_limit"), limits.get("pids"), Value.whole),
    )


def read_reservations(service: Value) -> Resources:
    """Return what the service is to have at least."""
    reserved = service.get("deploy", "resources", "reservations")
    return Resources(
        cpus=reserved.get("cpus").number(),
        memory=_agreed(service.get("mem_reservation"), reserved.get("memory"), Value.size),
    )


def _agreed(own: Value, deployed: Value, read: Callable[[Value], _T | None]) -> _T | None:
    """Return what two keys say of the same thing; they must not differ."""
    mine, theirs = read(own), read(deployed)
    if mine is not None and theirs is not None and mine != theirs:
        own.error_if_enabled(f"'{own.text()}' here and '{deployed.text()}' under deploy differ")
    return theirs if mine is None else mine


def read_replicas(service: Value) -> int:
    """Return how many containers the service has."""
    said = _agreed(service.get("scale"), service.get("deploy", "replicas"), Value.whole)
    replicas = 1 if said is None else said
    if replicas < 0:
        service.error_if_enabled("a service cannot have fewer than no containers")
    if replicas > 1 and service.get("container_name").is_there:
        text = f"{replicas} containers cannot have the same name"
        service.get("container_name").error_if_enabled(text)
    return replicas


def read_restart(service: Value) -> str | None:
    """Return when the service is started again: `restart`, else `deploy.restart_policy`."""
    value = service.get("restart")
    said = value.text()
    if said:
        if not _RESTART.fullmatch(said):
            choices = "no, always, on-failure, on-failure:3, unless-stopped"
            value.error_if_enabled(f"'{said}' is not one of {choices}")
        return said
    policy = service.get("deploy", "restart_policy")
    if not isinstance(policy.node, Map):
        return None
    written = policy.get("condition").text() or "any"
    condition = _CONDITIONS.get(written)
    if condition is None:
        text = f"'{written}' is not one of any, on-failure, none"
        policy.get("condition").error_if_enabled(text)
        return None
    attempts = policy.get("max_attempts").whole()
    return f"{condition}:{attempts}" if attempts and condition == "on-failure" else condition


def read_ulimits(value: Value) -> dict[str, tuple[int, int]]:
    """Return soft and hard limits by name; a single number is both."""
    found: dict[str, tuple[int, int]] = {}
    for name, limit in value.own_entries().items():
        soft, hard = (
            (limit.get("soft").whole(), limit.get("hard").whole())
            if isinstance(limit.node, Map)
            else (limit.whole(), limit.whole())
        )
        if soft is not None and hard is not None:
            found[name] = (soft, hard)
    return found
