"""Services replaced one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keelway.config.deploy_analysis import AnalysisConfig, ProbeSeriesConfig
from keelway.deploy.analysis import AnalysisError, Analyst
from keelway.deploy.strategies.analysed import Analysed
from keelway.deploy.strategies.rolling import Rolling
from keelway.errors import StageError
from tests.support.ports import free_port
from tests.support.sites import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.once


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    one = Target(folder=tmp_path / "web", strategy=Rolling())
    try:
        yield one
    finally:
        one.runtime.end()


def services(version: str, ports: list[int], **site: Any) -> dict[str, Any]:
    """A site that needs a shop, and an idler."""
    return {
        "site": {"says": version, "port": ports[0], "depends_on": {"shop": {}}, **site},
        "shop": {"says": version, "port": ports[1]},
        "idler": {"says": "same", "port": ports[2]},
    }


async def test_those_that_others_need_go_first_and_what_is_the_same_stays(target: Target) -> None:
    ports = [free_port() for _ in range(4)]
    old = {**services("v1", ports), "gone": {"says": "v1", "port": ports[3]}}
    await target.deploy(target.plain("v1", old))
    target.runtime.starts.clear()
    await target.deploy(target.plain("v2", services("v2", ports)))
    assert target.runtime.starts == ["web/shop", "web/site"]
    assert target.runtime.who_runs() == {"web/shop=v2", "web/site=v2", "web/idler=same"}


async def test_a_service_that_is_not_well_stops_it_and_all_go_back(target: Target) -> None:
    ports = [free_port() for _ in range(4)]
    await target.deploy(target.plain("v1", services("v1", ports)))
    wanted = {
        **services("v2", ports, health="unhealthy"),
        "new": {"says": "v2", "port": ports[3]},
    }
    site = await target.begin(target.plain("v2", wanted))
    with pytest.raises(StageError, match="site is not healthy"):
        await target.strategy.bring(site)
    await target.strategy.back(site)
    assert target.runtime.who_runs() == {"web/shop=v1", "web/site=v1", "web/idler=same"}


async def test_the_new_version_is_judged_where_it_serves(target: Target, tmp_path: Path) -> None:
    ports = [free_port() for _ in range(3)]
    probes = (ProbeSeriesConfig(name="up", count=1),)
    config = AnalysisConfig(url=f"http://127.0.0.1:{ports[0]}", probes=probes)
    target.strategy = Analysed(Rolling(), Analyst(config, root=tmp_path))
    await target.deploy(target.plain("v1", services("v1", ports)))
    site = await target.begin(target.plain("v2", services("v2", ports, sick=True)))
    with pytest.raises(AnalysisError, match="the analysis after the start"):
        await target.strategy.bring(site)
    await target.strategy.back(site)
    assert "web/site=v1" in target.runtime.who_runs()
