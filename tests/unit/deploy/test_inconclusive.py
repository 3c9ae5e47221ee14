"""A release of which nobody can tell whether it is good: a person decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.deploy.strategies.recreate import Recreate
from keelway.errors import InconclusiveError
from tests.support.pretend_runtime import PretendKit

if TYPE_CHECKING:
    from keelway.deploy.host import Host
    from keelway.deploy.site import Site, Strategy
    from keelway.deploy.target import Task
    from tests.unit.deploy.conftest import Target


class Unclear(Recreate):
    """Cannot tell of v2 on the second host."""

    async def bring(self, site: Site) -> None:
        await super().bring(site)
        if site.wanted.release.version == "v2" and site.host.name.endswith("two"):
            raise InconclusiveError("the probes do not show it", why="shop: 0 of 3 good")


class Kit(PretendKit):
    def strategy(self, name: str, host: Host, task: Task) -> Strategy:
        del name, host, task
        return Unclear()


async def test_all_stays_as_it_is_until_somebody_decides(target: Target) -> None:
    target.kit = Kit()
    await target.deploy("v1")
    with pytest.raises(InconclusiveError, match="do not show it"):
        await target.deploy("v2")
    assert target.serving()[:2] == ["v2", "v2"]
    assert target.history()[-1] == "deploy v2 inconclusive"
    assert target.phases()[:2] == ["brought", "bringing"]
    await target.rollback()
    assert target.serving() == ["v1"] * 3
    assert target.leftovers() == []
