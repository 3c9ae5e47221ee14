"""What the files of units on a host say of their services."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

import yaml

from keelway.deploy.host import STAGE
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.deploy.host import Host
    from keelway.deploy.unit import Unit

    Services = Mapping[str, Mapping[str, Any]]


async def services_of(host: Host, unit: Unit) -> Services:
    """Return what is written of each service of a unit.

    Raises:
        StageError: The file is not there, or not what keelway writes.
        HostError: The host was lost.
    """
    path = f"{unit.folder}/compose.yaml"
    data = await host.read(path)
    if data is None:
        raise StageError(f"{host.name} has no {path}", stage=STAGE)
    try:
        return parse_services(data)
    except ValueError as error:
        raise StageError(
            f"{path} on {host.name} cannot be read", stage=STAGE, why=str(error)
        ) from error


def parse_services(data: bytes) -> Services:
    """Return what a unit's file says of its services.

    Raises:
        ValueError: It is no such file.
    """
    try:
        read = cast("dict[str, Any]", yaml.safe_load(data))
        services = cast("dict[str, dict[str, Any]]", read["services"])
        return {str(name): dict(one) for name, one in services.items()}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not what keelway writes: {error}") from error


def in_order(services: Services) -> tuple[str, ...]:
    """Return the names of services, those first that others depend on.

    >>> in_order({"web": {"depends_on": {"db": {}}}, "db": {}})
    ('db', 'web')

    Raises:
        ValueError: They wait for each other in a circle.
    """
    waits = {name: list(one.get("depends_on") or ()) for name, one in services.items()}
    try:
        order = tuple(TopologicalSorter(waits).static_order())
    except CycleError as error:
        raise ValueError(f"services depend on each other: {error.args[1]}") from error
    return tuple(name for name in order if name in waits)
