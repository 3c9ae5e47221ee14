"""Who knows whom: services that share a network, and the names that they have in it.

Example:
    >>> from pathlib import Path
    >>> from keelway.compose.project import Attachment, Place, Project, Service
    >>> place = Place(file=Path("compose.yaml"), line=1)
    >>> inner = {"inner": Attachment(network="inner", aliases=("database",))}
    >>> db = Service(name="db", place=place, networks=inner)
    >>> web = Service(name="web", place=place, networks=inner)
    >>> project = Project(
    ...     name="shop", folder=Path("/shop"), files=(), services={"db": db, "web": web}
    ... )
    >>> peers(project.services, web)
    {'db': ('database',)}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from keelway.compose.project import Service


def peers(services: Mapping[str, Service], service: Service) -> dict[str, tuple[str, ...]]:
    """Return the services that one can reach, each with the further names that it finds it by."""
    return {
        name: (*names, *(alias for alias, target in service.links.items() if target == name))
        for name, names in reachable(services, service.networks).items()
        if name != service.name
    }


def reachable(
    services: Mapping[str, Service], networks: Collection[str] | None
) -> dict[str, tuple[str, ...]]:
    """Return the services in any of these networks, in all when absent, with further names."""
    found: dict[str, tuple[str, ...]] = {}
    for name, service in services.items():
        shared = [
            attachment
            for key, attachment in service.networks.items()
            if networks is None or key in networks
        ]
        if shared:
            aliases = [alias for attachment in shared for alias in attachment.aliases]
            found[name] = tuple(
                alias for alias in dict.fromkeys([*own_names(service), *aliases]) if alias != name
            )
    return found


def own_names(service: Service) -> tuple[str, ...]:
    """Return the names that a service has wherever it is, beside its own."""
    full = f"{service.hostname or service.name}.{service.domainname}"
    named = (
        service.container_name,
        service.hostname,
        full if service.domainname is not None else None,
    )
    return tuple(dict.fromkeys(name for name in named if name not in {None, service.name} and name))
