"""Rolling: one service after the other is replaced, and each is well before the next one's turn.

For services that others can do without for a moment: there is no proxy that holds requests back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.deploy.strategies.written import in_order, services_of

if TYPE_CHECKING:
    from keelway.deploy.host import Host
    from keelway.deploy.release import Colour, Live
    from keelway.deploy.site import Placed, Site


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

    async def serves(self, host: Host, live: Live) -> bool:  # noqa: ARG002 - part of the protocol
        """Return yes: nothing stands before the containers."""
        return True


async def _roll(site: Site, placed: Placed, suffix: str = "") -> None:
    version = placed.release.version
    for unit in site.units(placed):
        for service in in_order(await services_of(site.host, unit)):
            async with site.step(f"start-{service}{suffix}", f"{service} of {version}"):
                await site.runtime.up(unit, (service,))
                await site.runtime.wait_healthy(unit, site.pace.health_timeout_s, (service,))
    async with site.step(f"health{suffix}", "waiting until all are healthy"):
        for unit in site.units(placed):
            await site.runtime.wait_healthy(unit, site.pace.health_timeout_s)


async def _end_others(site: Site, placed: Placed) -> None:
    for unit in site.units(placed):
        own = await services_of(site.host, unit)
        others = sorted({one.service for one in await site.runtime.states(unit)} - set(own))
        if others:
            await site.runtime.stop(unit, others, timeout_s=max(site.pace.drain_s, 1))
