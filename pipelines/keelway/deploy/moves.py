"""What is done to one host, each safe to do twice: prepare, bring, go back, commit, settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.deploy.host import STAGE
from keelway.deploy.journal import Phase
from keelway.deploy.side import drop, forget_live, make_live
from keelway.errors import StageError
from keelway.model.history import DeliveryEvent

if TYPE_CHECKING:
    from keelway.deploy.host import Host
    from keelway.deploy.journal import Journal
    from keelway.deploy.layout import Layout
    from keelway.deploy.site import Placed, Site
    from keelway.deploy.turn import Working


async def bring(working: Working) -> None:
    """Make the new version serve on a host.

    Raises:
        KeelwayError: It is no good there, or the host was lost.
    """
    await working.still_ours()
    await working.site.journal.enter(Phase.BRINGING)
    await working.strategy.bring(working.site)
    await working.site.journal.enter(Phase.BROUGHT)


async def go_back(working: Working) -> None:
    """Make the old version serve on a host, and look whether it does; the files are kept yet.

    Raises:
        KeelwayError: It does not serve, or the host was lost: a person is needed.
    """
    site = working.site
    await site.journal.enter(Phase.BACK)
    await working.strategy.back(site)
    await check_back(site)
    if site.current is None:
        await forget_live(site.host, site.layout)
    else:
        await make_live(site.host, site.layout, site.current.live)


async def discard(host: Host, layout: Layout, journal: Journal) -> None:
    """Remove the files of a new version that does not serve; one that was kept before stays.

    Raises:
        HostError: The host is lost.
    """
    if journal.document.event is DeliveryEvent.DEPLOY:
        await drop(host, layout, journal.document.wanted.release)
    await journal.close()


async def check_back(site: Site) -> None:
    """Return when the old version runs and is well, or where there was none, nothing does.

    Raises:
        StageError: It is not so.
    """
    site.tell("looking whether it is as before")
    if site.current is None:
        left = [
            state for unit in site.units(site.wanted) for state in await site.runtime.states(unit)
        ]
        if left:
            names = ", ".join(sorted(state.service for state in left))
            raise StageError(f"{names} of the new version is still there", stage=STAGE)
        return
    await check_serves(site, site.current)


async def check_serves(site: Site, placed: Placed) -> None:
    """Return when all services of a release run and are well, from its images.

    Raises:
        StageError: One does not.
    """
    for unit in site.units(placed):
        states = await site.runtime.states(unit)
        if not states:
            raise StageError(f"nothing of {unit.project} runs on {site.host.name}", stage=STAGE)
        await site.runtime.wait_healthy(unit, site.pace.health_timeout_s)


async def commit(working: Working) -> None:
    """Write down that the new version is the one that runs.

    Raises:
        HostError: The host is lost; the next run writes it down.
    """
    site = working.site
    await site.journal.enter(Phase.COMMITTED)
    await make_live(site.host, site.layout, site.wanted.live)


async def settle(working: Working) -> None:
    """Tidy up what is left of the old version.

    Raises:
        KeelwayError: It could not be done; the next run does it.
    """
    await working.strategy.settle(working.site)
    await working.site.journal.close()
