"""How the services of a target's hosts are, now: nothing is changed, and no lock is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.layout import SHARED
from keelway.deploy.opening import host_names, open_hosts
from keelway.deploy.runtime import find_runtime
from keelway.deploy.side import look_at
from keelway.errors import StageError

if TYPE_CHECKING:
    from keelway.deploy.host import Host
    from keelway.deploy.opening import ReadSecret
    from keelway.deploy.side import Side
    from keelway.deploy.site import Placed, Runtime
    from keelway.deploy.target import HostPlace, HostsSpec
    from keelway.model.service_state import ServiceState

FindRuntime = Callable[["Host", str], Awaitable["Runtime"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHealth:
    """One host of a target."""

    host: str
    version: str | None = None
    """What runs; nothing where nothing was deployed."""
    services: tuple[ServiceState, ...] = ()
    """Containers of the release, those of the colour that serves."""
    lost: str | None = None
    """Why it cannot be asked."""

    @property
    def well(self) -> bool:
        """Whether it answers, something runs there, and all of that is well."""
        return self.lost is None and bool(self.services) and all(map(is_well, self.services))


def is_well(service: ServiceState) -> bool:
    """Return whether a container is as it should be: healthy, where it can tell, or done."""
    return service.is_done or (service.is_running and service.health in {None, "healthy"})


async def look_at_target(
    spec: HostsSpec, read: ReadSecret, find: FindRuntime = find_runtime
) -> tuple[HostHealth, ...]:
    """Return how each host is, in the order of the configuration; one that is lost says so.

    Args:
        spec: The target.
        read: Reads secrets of the logins.
        find: Finds what runs containers on a host.

    Raises:
        PlanError: A secret cannot be read.
    """
    named = zip(spec.places, host_names(spec.places), strict=True)
    return await each(partial(_host_health, spec, read, find), named)


async def _host_health(
    spec: HostsSpec, read: ReadSecret, find: FindRuntime, named: tuple[HostPlace, str]
) -> HostHealth:
    place, name = named
    try:
        async with open_hosts(replace(spec, places=(place,)), read) as ((host, layout),):
            runtime = await find(host, spec.runtime)
            side = await look_at(host, layout, runtime)
            services = await serving_services(side)
            return HostHealth(host=name, version=side.version, services=services)
    except StageError as error:
        return HostHealth(host=name, lost=error.message)


def serving_parts(current: Placed) -> tuple[str, ...]:
    """Return the parts of a release that run: what is shared, and the colour that serves."""
    serving = ("", SHARED, current.colour)
    return tuple(part for part in current.release.parts if part in serving)


async def serving_services(side: Side) -> tuple[ServiceState, ...]:
    """Return the containers of what a host runs; none where nothing was deployed.

    Raises:
        StageError: The host does not tell.
    """
    if side.current is None:
        return ()
    release = side.current.release.id
    parts = serving_parts(side.current)
    found = [await side.runtime.states(side.layout.unit(release, part)) for part in parts]
    return tuple(one for states in found for one in states)
