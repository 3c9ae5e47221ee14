"""Whether all services on the hosts of deploy targets are well, as a table or as data."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.deploying import Asked, opened, planned
from keelway._cli.health_view import HEALTH_SCHEMA, table
from keelway._cli.stopping import run_until_stopped
from keelway._targets import DeploySpec, HostsTarget, reader
from keelway.deploy.looking import HostHealth, is_well, look_at_target
from keelway.errors import KeelwayError, PlanError
from keelway.model.events import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from keelway.model.service_state import ServiceState

_HEAD = ("TARGET", "HOST", "VERSION", "SERVICE", "", "STATE", "HEALTH", "RESTARTS")
Found = dict[str, tuple[HostHealth, ...]]


def show_targets(targets: Sequence[str], config: Path | None, *, as_json: bool) -> None:
    """Print how each service on each host is.

    Raises:
        KeelwayError: One of them is not well, or a host cannot be reached.
        PlanError: There is no such target, or it has no hosts.
    """
    spec = planned(Asked(targets=tuple(targets)), config).spec
    found = run_until_stopped(partial(_look, spec))
    output.result(_document(found) if as_json else table((_HEAD, *_rows(found))))
    ill = [one for hosts in found.values() for one in hosts if not one.well]
    if ill:
        raise KeelwayError(
            f"{len(ill)} of {sum(map(len, found.values()))} hosts are not well",
            why="; ".join(_told(one) for one in ill),
            next_step="`keelway history` tells what was done there",
        )


async def _look(spec: DeploySpec) -> Found:
    found: Found = {}
    async with opened(spec, Silent()) as run:
        for target in spec.targets:
            if not isinstance(target, HostsTarget):
                raise PlanError(f"{target.target} has no hosts that could be asked")
            found[target.target] = await look_at_target(target.hosts, reader(run))
    return found


def _told(one: HostHealth) -> str:
    if one.lost is not None:
        return f"{one.host}: {one.lost}"
    ill = [service for service in one.services if not is_well(service)]
    words = ", ".join(f"{service.service} is {service.health or service.status}" for service in ill)
    return f"{one.host}: {words or 'nothing runs there'}"


def _rows(found: Mapping[str, Sequence[HostHealth]]) -> Iterator[tuple[str, ...]]:
    for target, hosts in found.items():
        for one in hosts:
            place = (target, one.host, one.version or "-")
            if not one.services:
                yield (*place, "-", "NO", "lost" if one.lost else "nothing runs", "-", "-")
            for service in one.services:
                yield (*place, *_cells(service))


def _cells(service: ServiceState) -> tuple[str, ...]:
    mark = "ok" if is_well(service) else "NO"
    return service.service, mark, service.status, service.health or "-", str(service.restarts)


def _document(found: Mapping[str, Sequence[HostHealth]]) -> str:
    hosts = [
        {
            "target": target,
            "host": one.host,
            "version": one.version,
            "well": one.well,
            "lost": one.lost,
            "services": [
                {
                    "service": service.service,
                    "well": is_well(service),
                    "state": service.status,
                    "health": service.health,
                    "restarts": service.restarts,
                    "image": service.image,
                }
                for service in one.services
            ],
        }
        for target, several in found.items()
        for one in several
    ]
    well = all(one.well for several in found.values() for one in several)
    document = {"schema": HEALTH_SCHEMA, "well": well, "hosts": hosts}
    return json.dumps(document, indent=2, ensure_ascii=False)
