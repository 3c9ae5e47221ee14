"""Blue/green: the new version starts beside the old one, and NGINX turns from one to the other.

Nobody is sent to the new version before it is healthy and good, and the old one runs until the new
one serves everywhere: so going back is the same turn again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from keelway.deploy.analysis import Place
from keelway.deploy.fronts import (
    colour_urls,
    front_of,
    headers_of,
    nginx_of,
    shared,
    upstreams,
    url_of,
)
from keelway.deploy.keeping import files_differ
from keelway.deploy.layout import SHARED
from keelway.deploy.nginx import read_upstreams
from keelway.deploy.proxy import Proxy, ProxyError, ProxyState
from keelway.deploy.release import other_colour
from keelway.deploy.strategies.readiness import wait_until_answering
from keelway.deploy.strategies.written import services_of
from keelway.model.history import DeliveryEvent

if TYPE_CHECKING:
    from keelway.config.deploy_analysis import Moment
    from keelway.config.deploy_proxy import ProxyConfig
    from keelway.deploy.analysis import Analyst
    from keelway.deploy.host import Host
    from keelway.deploy.release import Colour, Live
    from keelway.deploy.site import Placed, Site

_MEMORY = "proxy"


class BlueGreen:
    """The strategy `blue-green`."""

    name = "blue-green"

    def __init__(self, target: str, config: ProxyConfig, analyst: Analyst | None) -> None:
        """Keep what is switched.

        Args:
            target: The deploy target's name.
            config: Its proxy.
            analyst: Who judges the new version; where there is none, it is good when it is healthy,
                and gets all requests at once.
        """
        self._target = target
        self._config = config
        self._analyst = analyst

    def colour(self, current: Live | None) -> Colour | None:
        """Return the colour that does not serve."""
        return other_colour(current)

    async def bring(self, site: Site) -> None:
        """Start the new version, see that it is good, and turn NGINX to it.

        Raises:
            StageError: It does not start, is not healthy in time, or is no good; or NGINX does not
                turn.
            InconclusiveError: Nobody can tell whether it is good: both run, and NGINX stays as it
                is at that moment.
            HostError: The host was lost.
        """
        colour = _colour(site.wanted)
        version = site.wanted.release.version
        before = await self._before(site)
        async with site.step("start", f"starting {version} as {colour}"):
            for unit in site.units(site.wanted):
                await site.runtime.up(unit)
        async with site.step("health", "waiting until it is healthy"):
            for unit in site.units(site.wanted):
                await site.runtime.wait_healthy(unit, site.pace.health_timeout_s)
            await self._answering(site, colour)
        await self._smoke(site, colour)
        await self._analyse(site, colour, "before")
        await self._canary(site, colour, before)
        async with site.step("switch", f"all requests go to {colour}"):
            await self._proxy(site.host).point(upstreams(self._config, colour))
        await self._analyse(site, colour, "after")

    async def back(self, site: Site) -> None:
        """Turn NGINX to the old version, and end the new one.

        Raises:
            StageError: The old version does not start again, or NGINX does not turn.
            HostError: The host was lost.
        """
        current = site.current
        if current is not None and not await self._serves(site, current):
            async with site.step("start-old", f"starting {current.release.version} again"):
                await _start(site, current)
        async with site.step("switch-back", "requests go where they went before"):
            turned = await self._restore(site)
        if current is not None and await _changed(site, current):
            async with site.step("shared-old", f"what both share is as {current.release.version}"):
                await _start(site, current)
        if turned:
            async with site.step("drain", "waiting for the last requests of the new version"):
                await self._drained(site)
        async with site.step("remove", f"ending {site.wanted.release.version}"):
            for unit in site.units(site.wanted):
                if current is None or unit != site.unit(site.wanted, SHARED):
                    await site.runtime.down(unit)

    async def settle(self, site: Site) -> None:
        """Wait for the last requests of the old version, and stop it: it stays to be started again.

        Raises:
            StageError: It does not stop.
            HostError: The host was lost.
        """
        current = site.current
        if current is None or self._config.keep_old:
            return
        async with site.step("drain-old", "waiting for the last requests of the old version"):
            await self._drained(site)
        if site.pace.keep_old_s:
            words = f"keeping {current.release.version} for {site.pace.keep_old_s:g} s"
            async with site.step("keep-old", words):
                await anyio.sleep(site.pace.keep_old_s)
        async with site.step("stop-old", f"stopping {current.release.version}"):
            await self._stop(site, current)

    async def serves(self, host: Host, live: Live) -> bool:
        """Return whether NGINX runs, and sends all requests to the colour that runs.

        Raises:
            HostError: The host was lost.
        """
        if live.colour is None:
            return False
        try:
            return await self._proxy(host).points(upstreams(self._config, live.colour))
        except ProxyError:
            return False

    async def _before(self, site: Site) -> ProxyState:
        """Return what NGINX was told before this deployment, also if it was cut off and goes on."""
        kept = site.journal.document.memory.get(_MEMORY)
        if kept is None:
            state = await self._proxy(site.host).read()
            text = None if state.file is None else state.file.decode(errors="surrogateescape")
            await site.journal.remember(_MEMORY, {"file": text})
            return state
        text = kept["file"]
        data = None if text is None else str(text).encode(errors="surrogateescape")
        return ProxyState(file=data, upstreams=read_upstreams(data))

    async def _restore(self, site: Site) -> bool:
        if site.journal.document.memory.get(_MEMORY) is None:
            return False
        return await self._proxy(site.host).restore(await self._before(site))

    async def _serves(self, site: Site, current: Placed) -> bool:
        """Return whether all services run that NGINX would send requests to."""
        states = await site.runtime.states(site.unit(current, current.colour or ""))
        running = {one.service for one in states if one.status == "running"}
        return set(self._config.services) <= running

    async def _canary(self, site: Site, colour: Colour, before: ProxyState) -> None:
        """Give it a part of the requests, and more and more where it stands them.

        Not where somebody goes back: that version is known, and the other one is to go.
        """
        is_back = site.journal.document.event is DeliveryEvent.ROLLBACK
        if self._analyst is None or is_back or not before.upstreams:
            return
        old = [one for one in before.upstreams if one.weight]
        for percent in self._config.canary:
            words = f"{percent} % of the requests go to {colour}"
            async with site.step(f"canary-{percent}", words):
                mixed = shared(old, upstreams(self._config, colour), percent)
                await self._proxy(site.host).point(mixed)
                await anyio.sleep(self._config.canary_wait_s)
            await self._analyse(site, colour, "step")

    async def _smoke(self, site: Site, colour: Colour) -> None:
        if self._analyst is None or not self._analyst.has_smoke:
            return
        async with site.step("smoke", "smoke tests"):
            found = await self._analyst.smoke(self._place(site, colour))
            self._analyst.conclude(found, "the smoke tests", site.tell)

    async def _analyse(self, site: Site, colour: Colour, moment: Moment) -> None:
        if self._analyst is None or not self._analyst.asks_at(moment):
            return
        place = self._place(site, colour)
        if moment == "after":
            place = self._place_behind_proxy(site, colour, self._analyst)
        async with site.step(f"analysis-{moment}", _WORDS[moment]):
            found = await self._analyst.analyse(moment, place)
            for check in found.checks:
                site.tell(str(check))
            self._analyst.conclude(found, _WORDS[moment], site.tell)

    async def _answering(self, site: Site, colour: Colour) -> None:
        """Wait for services that have no health check to say when they are there."""
        states = await site.runtime.states(site.unit(site.wanted, colour))
        silent = {one.service for one in states if one.health is None}
        urls = [
            url
            for service, url in colour_urls(self._config, colour).items()
            if service in silent and self._config.services[service].ports is not None
        ]
        await wait_until_answering(site.host, urls, site.pace.health_timeout_s)

    async def _drained(self, site: Site) -> None:
        try:
            if not await self._proxy(site.host).drained(site.pace.drain_s):
                site.tell(f"some requests are not over after {site.pace.drain_s:g} s: going on")
        except ProxyError as error:
            site.tell(f"nothing to wait for: {error.message}")

    async def _stop(self, site: Site, old: Placed) -> None:
        timeout_s = max(site.pace.drain_s, 1)
        if old.colour is not None:
            await site.runtime.stop(site.unit(old, old.colour), timeout_s=timeout_s)
            return
        # It was deployed without colours: what the colour has now is what is stopped there.
        states = await site.runtime.states(site.unit(site.wanted, _colour(site.wanted)))
        services = sorted({one.service for one in states})
        await site.runtime.stop(site.unit(old), services, timeout_s=timeout_s)

    def _proxy(self, host: Host) -> Proxy:
        return Proxy(host, nginx_of(self._config), front_of(self._target, self._config))

    def _place(self, site: Site, colour: Colour) -> Place:
        urls = colour_urls(self._config, colour)
        return Place(host=site.host, urls=urls, colour=colour, headers=headers_of(self._config))

    def _place_behind_proxy(self, site: Site, colour: Colour, analyst: Analyst) -> Place:
        given = analyst.url
        urls = dict.fromkeys(self._config.services, (given or url_of(self._config)).rstrip("/"))
        headers = headers_of(self._config) if given is None else {}
        return Place(host=site.host, urls=urls, colour=colour, headers=headers)


_WORDS = {
    "before": "the analysis before the switch",
    "step": "the analysis under a part of the requests",
    "after": "the analysis after the switch",
}


async def _start(site: Site, placed: Placed) -> None:
    for unit in site.units(placed):
        await site.runtime.up(unit)
    for unit in site.units(placed):
        await site.runtime.wait_healthy(unit, site.pace.health_timeout_s)


async def _changed(site: Site, current: Placed) -> bool:
    """Return whether the new version brought another form of what both versions share."""
    new = await services_of(site.host, site.unit(site.wanted, SHARED))
    part = "" if current.colour is None else SHARED
    old = await services_of(site.host, site.unit(current, part))
    if any(old.get(name) != one for name, one in new.items()):
        return True
    return await files_differ(site.host, site.unit(site.wanted, SHARED), site.unit(current, part))


def _colour(placed: Placed) -> Colour:
    if placed.colour is None:
        raise ValueError("a release that is brought by blue/green has a colour")
    return placed.colour
