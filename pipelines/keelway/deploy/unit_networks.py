"""The networks and volumes of a unit: its own, and those that outlive it.

What both colours share, and the networks of the colours, belong to no unit: they are made before a
unit is brought up, and stay when it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.compose.project import MountKind
from keelway.deploy.choice import COLOURS, Part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from keelway.compose.project import Network, Project, Service
    from keelway.deploy.choice import Rendering
    from keelway.deploy.unit_document import Document, ServicePlan


def attachments(
    service: Service, choice: Rendering, colour_keys: Collection[str]
) -> dict[str, Sequence[str]]:
    """Return the networks of a service; a shared one is in those of both colours as well."""
    found: dict[str, Sequence[str]] = {
        key: place.aliases for key, place in service.networks.items()
    }
    if choice.part is Part.SHARED:
        for key in sorted(colour_keys):
            if key in service.networks:
                for colour in COLOURS:
                    found[f"{key}-{colour}"] = service.networks[key].aliases
    return found


def unit_networks(
    plans: Sequence[ServicePlan], project: Project, choice: Rendering, colour_keys: Collection[str]
) -> dict[str, Document]:
    """Return the networks in use; a colour has its own under the names that its services know."""
    used = {key for plan in plans for key in plan.networks}
    found: dict[str, Document] = {}
    for key, one in project.networks.items():
        if choice.part is Part.COLOUR and key in colour_keys:
            found[key] = {"name": f"{one.name}-{choice.colour}", "external": True}
        elif key in used:
            found[key] = _network(one)
        if choice.part is Part.SHARED and key in colour_keys:
            for colour in COLOURS:
                if f"{key}-{colour}" in used:
                    found[f"{key}-{colour}"] = {"name": f"{one.name}-{colour}", "external": True}
    return found


def _network(one: Network) -> Document:
    if one.external:
        return {"name": one.name, "external": True}
    driver = {"driver": one.driver} if one.driver else {}
    return {"name": one.name, **driver, **({"internal": True} if one.internal else {})}


def unit_volumes(
    plans: Sequence[ServicePlan], project: Project, choice: Rendering
) -> dict[str, Document]:
    """Return the volumes in use; none of those that colours share is a unit's own."""
    found: dict[str, Document] = {}
    for key in _used_volumes(plans):
        one = project.volumes[key]
        if one.external or choice.part is not Part.ALL:
            found[key] = {"name": one.name, "external": True}
        else:
            driver = {"driver": one.driver} if one.driver else {}
            labels = {"labels": dict(one.labels)} if one.labels else {}
            found[key] = {"name": one.name, **driver, **labels}
    return found


def _used_volumes(plans: Sequence[ServicePlan]) -> list[str]:
    mounts = (mount for plan in plans for mount in plan.service.mounts)
    used = (one.source for one in mounts if one.kind is MountKind.VOLUME and one.source)
    return sorted(set(used))


def kept_between(
    plans: Sequence[ServicePlan], project: Project, choice: Rendering, colour_keys: Collection[str]
) -> Mapping[str, object]:
    """Return the networks and volumes that more than one unit has."""
    if choice.part is Part.ALL:
        return {}
    colours = COLOURS if choice.part is Part.SHARED else (choice.colour,)
    return {
        "networks": {
            f"{project.networks[key].name}-{colour}": project.networks[key].internal
            for key in sorted(colour_keys)
            for colour in colours
        },
        "volumes": [
            project.volumes[key].name
            for key in _used_volumes(plans)
            if not project.volumes[key].external
        ],
    }
