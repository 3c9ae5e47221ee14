"""Recreate: each service is stopped and started again as the new version says, in its old place.

There is a gap: for services that must not run twice at once, and for those that may be away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.deploy.host import Host
    from keelway.deploy.release import Colour, Live
    from keelway.deploy.site import Placed, Site


class Recreate:
    """The strategy `recreate`."""

    name = "recreate"

    def colour(self, current: Live | None) -> Colour | None:  # noqa: ARG002 - part of the protocol
        """Return nothing: there is one place."""
        return None

    async def bring(self, site: Site) -> None:
        """Replace what differs from the new version, and wait until it is healthy.

        Raises:
            StageError: It does not start, or is not healthy in time.
        """
        async with site.step("start", f"starting {site.wanted.release.version}"):
            await _start(site, site.wanted)
        async with site.step("health", "waiting until it is healthy"):
            await _healthy(site, site.wanted)

    async def back(self, site: Site) -> None:
        """Replace what differs from the old version, and wait until that is healthy.

        Raises:
            StageError: It does not start, or is not healthy in time.
        """
        if site.current is None:
            async with site.step("remove", f"removing {site.wanted.release.version}"):
                for unit in site.units(site.wanted):
                    await site.runtime.down(unit)
            return
        async with site.step("start-old", f"starting {site.current.release.version} again"):
            await _start(site, site.current)
        async with site.step("health-old", "waiting until it is healthy"):
            await _healthy(site, site.current)

    async def settle(self, site: Site) -> None:
        """Do nothing: the old version is gone already."""

    async def serves(self, host: Host, live: Live) -> bool:  # noqa: ARG002 - part of the protocol
        """Return yes: nothing stands before the containers."""
        return True


async def _start(site: Site, placed: Placed) -> None:
    for unit in site.units(placed):
        await site.runtime.up(unit)


async def _healthy(site: Site, placed: Placed) -> None:
    for unit in site.units(placed):
        await site.runtime.wait_healthy(unit, site.pace.health_timeout_s)
