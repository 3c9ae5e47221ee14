"""Rolling: one service after the other is replaced, and each is well before the next one's turn.

For services that others can do without for a moment: there is no proxy that holds requests back.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

import yaml

from keelway.deploy.host import STAGE
from keelway.errors import StageError

if TYPE_CHECKING:
    from keelway.deploy.release import Colour, Live
    from keelway.deploy.site import Placed, Site
    from keelway.deploy.unit import Unit


class Rolling:
    """The strategy `rolling`."""

    name = "rolling"

    def colour(self, current: Live | None) -> Colour | None:  # noqa: ARG002 - part of the protocol
        """Return nothing: there is one place."""
        return None

    async def bring(self, site: Site) -> None:
        """Replace service after service, those first that others depend on.

        Raises:
            StageError: One does not start, or is not healthy in time: those behind it are as they
                were.
            HostError: The host was lost.
        """
        await _roll(site, site.wanted)

    async def back(self, site: Site) -> None:
        """Replace service after service by the old version, and end what that did not have.

        Raises:
            StageError: One does not start, or is not healthy in time.
            HostError: The host was lost.
        """
        if site.current is None:
            async with site.step("remove", f"removing {site.wanted.release.version}"):
                for unit in site.units(site.wanted):
                    await site.runtime.down(unit)
            return
        await _roll(site, site.current, "-old")
        async with site.step("tidy-old", "ending what the old version does not have"):
            await _end_others(site, site.current)

    async def settle(self, site: Site) -> None:
        """End what the new version does not have any more.

        Raises:
            StageError: It does not stop.
            HostError: The host was lost.
        """
        async with site.step("tidy", "ending what the new version does not have"):
            await _end_others(site, site.wanted)


def services_in_order(data: bytes) -> tuple[str, ...]:
    """Return the services of a unit's file, those first that others depend on.

    >>> services_in_order(b"services: {web: {depends_on: {db: {}}}, db: {}}")
    ('db', 'web')

    Raises:
        ValueError: It is no unit's file.
    """
    try:
        read = cast("dict[str, Any]", yaml.safe_load(data))
        services = cast("dict[str, dict[str, Any]]", read["services"])
        waits = {name: list(one.get("depends_on") or ()) for name, one in services.items()}
        order = tuple(TopologicalSorter(waits).static_order())
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, CycleError) as error:
        raise ValueError(f"not what keelway writes: {error}") from error
    return tuple(name for name in order if name in waits)


async def _roll(site: Site, placed: Placed, suffix: str = "") -> None:
    version = placed.release.version
    for unit in site.units(placed):
        for service in await _services(site, unit):
            async with site.step(f"start-{service}{suffix}", f"{service} of {version}"):
                await site.runtime.up(unit, (service,))
                await site.runtime.wait_healthy(unit, site.pace.health_timeout_s, (service,))
    async with site.step(f"health{suffix}", "waiting until all are healthy"):
        for unit in site.units(placed):
            await site.runtime.wait_healthy(unit, site.pace.health_timeout_s)


async def _end_others(site: Site, placed: Placed) -> None:
    for unit in site.units(placed):
        own = await _services(site, unit)
        others = sorted({one.service for one in await site.runtime.states(unit)} - set(own))
        if others:
            await site.runtime.stop(unit, others, timeout_s=max(site.pace.drain_s, 1))


async def _services(site: Site, unit: Unit) -> tuple[str, ...]:
    path = f"{unit.folder}/compose.yaml"
    data = await site.host.read(path)
    if data is None:
        raise StageError(f"{site.host.name} has no {path}", stage=STAGE)
    try:
        return services_in_order(data)
    except ValueError as error:
        raise StageError(
            f"{path} on {site.host.name} cannot be read: {error}", stage=STAGE
        ) from error
