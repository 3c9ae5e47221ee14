"""A strategy whose new version is judged once it serves: for those that switch no proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.deploy.analysis import Place

if TYPE_CHECKING:
    from keelway.deploy.analysis import Analyst
    from keelway.deploy.host import Host
    from keelway.deploy.release import Colour, Live
    from keelway.deploy.site import Site, Strategy

_AFTER = "the analysis after the start"


class Analysed:
    """Another strategy, and an analysis behind it."""

    def __init__(self, inner: Strategy, analyst: Analyst) -> None:
        """Keep both."""
        self._inner = inner
        self._analyst = analyst

    @property
    def name(self) -> str:
        """Return the other one's name."""
        return self._inner.name

    def colour(self, current: Live | None) -> Colour | None:
        """Return the other one's colour."""
        return self._inner.colour(current)

    async def bring(self, site: Site) -> None:
        """Bring the new version, and judge it.

        Raises:
            StageError: It is no good.
            InconclusiveError: Nobody can tell: it serves, and a person decides.
            HostError: The host was lost.
        """
        await self._inner.bring(site)
        url = (self._analyst.url or "").rstrip("/")
        place = Place(host=site.host, urls={"": url}, headers={})
        if self._analyst.has_smoke:
            async with site.step("smoke", "smoke tests"):
                found = await self._analyst.smoke(place)
                self._analyst.conclude(found, "the smoke tests", site.tell)
        if self._analyst.asks_at("after"):
            async with site.step("analysis-after", _AFTER):
                found = await self._analyst.analyse("after", place)
                for check in found.checks:
                    site.tell(str(check))
                self._analyst.conclude(found, _AFTER, site.tell)

    async def back(self, site: Site) -> None:
        """Go back as the other one does.

        Raises:
            StageError: The old version does not serve.
            HostError: The host was lost.
        """
        await self._inner.back(site)

    async def settle(self, site: Site) -> None:
        """Tidy up as the other one does.

        Raises:
            StageError: It could not be done.
            HostError: The host was lost.
        """
        await self._inner.settle(site)

    async def serves(self, host: Host, live: Live) -> bool:
        """Return what the other one does.

        Raises:
            HostError: The host was lost.
        """
        return await self._inner.serves(host, live)
