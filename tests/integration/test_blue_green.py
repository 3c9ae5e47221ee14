"""Blue/green with a real NGINX: nobody notices a new version, nor that it was taken back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from keelway.config.deploy_analysis import AnalysisConfig
from keelway.config.deploy_proxy import ProxyConfig
from keelway.deploy.analysis import AnalysisError, Analyst
from keelway.deploy.host import LocalHost
from keelway.deploy.journal import Journal
from keelway.deploy.proxy import ProxyError
from keelway.deploy.strategies.blue_green import BlueGreen
from keelway.deploy.strategies.recreate import Recreate
from keelway.errors import InconclusiveError, StageError
from keelway.model.history import DeliveryEvent
from tests.support.load_client import Load, get
from tests.support.nginx import Nginx, nginx
from tests.support.ports import free_port
from tests.support.sites import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.once
REQUESTS = 10_000
PROBE = {"name": "shop", "interval_s": 0.05, "count": 3}
V1, V2 = "web-blue/shop=v1", "web-green/shop=v2"
DATABASE = "web/database=database"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Nginx]:
    with nginx(tmp_path / "nginx") as running:
        yield running


@pytest.fixture
async def target(tmp_path: Path, edge: Nginx) -> AsyncIterator[Target]:
    """A target whose blue colour serves v1."""
    one = Target(folder=tmp_path / "web", strategy=BlueGreen("", proxy_config(edge, (1, 2)), None))
    use(one, edge)
    try:
        await one.deploy(one.coloured("v1"))
        assert one.runtime.who_runs() == {V1, DATABASE}
        yield one
    finally:
        one.runtime.end()


def proxy_config(edge: Nginx, ports: tuple[int, int], **written: Any) -> ProxyConfig:
    """What is written under `[deploy.web.proxy]`."""
    given: dict[str, Any] = {
        "file": str(edge.conf_d / "web.conf"),
        "command": edge.command,
        "listen": (f"127.0.0.1:{edge.port}",),
        "announce_s": 0.0,
        "services": {"shop": {"port": 80, "ports": ports}},
        **written,
    }
    return ProxyConfig(**given)


def use(target: Target, edge: Nginx, *, analysis: Any = None, **proxy: Any) -> None:
    """Let the target be deployed as its configuration says."""
    analyst = Analyst(AnalysisConfig(**(analysis or {})), root=target.folder)
    target.strategy = BlueGreen("web", proxy_config(edge, target.ports, **proxy), analyst)


async def test_none_of_10000_requests_fails_through_a_deployment_and_its_rollback(
    edge: Nginx, target: Target
) -> None:
    analysis = {"smoke": ({"name": "up", "path": "/"},), "probes": (PROBE,)}
    use(target, edge, analysis=analysis, announce_s=1.0)
    site = await target.begin(target.coloured("v2"))
    load = Load()
    clients = asyncio.ensure_future(load.run(edge.port))
    await load.reached(REQUESTS // 10)
    assert load.by_since(0) == {"v1"}

    await target.strategy.bring(site)
    switched = time.monotonic()
    await load.reached(load.requests + REQUESTS // 10)
    assert load.by_since(switched) == {"v2"}
    assert target.runtime.who_runs() == {V1, V2, DATABASE}

    await target.strategy.back(site)
    back = time.monotonic()
    await load.reached(max(REQUESTS, load.requests + REQUESTS // 10))
    load.stop()
    await clients
    assert load.failed == []
    assert load.requests >= REQUESTS
    assert load.by_since(back) == {"v1"}
    assert load.reused > REQUESTS // 20, "clients kept their connections"
    assert target.runtime.who_runs() == {V1, DATABASE}


@pytest.mark.parametrize(
    ("shop", "analysis", "said"),
    [
        ({"health": "unhealthy"}, {}, "shop is not healthy"),
        ({"sick": True}, {"smoke": ({"name": "up", "path": "/"},)}, "the smoke tests"),
        ({"sick": True}, {"probes": ({**PROBE, "at": ("after",)},)}, "the analysis after the"),
    ],
)
async def test_a_version_that_is_no_good_is_taken_back(
    edge: Nginx, target: Target, shop: Any, analysis: Any, said: str
) -> None:
    before = (edge.conf_d / "web.conf").read_bytes()
    use(target, edge, analysis=analysis)
    site = await target.begin(target.coloured("v2", **shop))
    with pytest.raises(StageError, match=said):
        await target.strategy.bring(site)
    await target.strategy.back(site)
    assert await get(edge.port) == "v1"
    assert (edge.conf_d / "web.conf").read_bytes() == before
    assert target.runtime.who_runs() == {V1, DATABASE}


async def test_where_nobody_can_tell_nothing_is_switched_and_both_run(
    edge: Nginx, target: Target
) -> None:
    broken = {"smoke": ({"name": "absent", "command": ("no-such-program",)},)}
    use(target, edge, analysis=broken)
    site = await target.begin(target.coloured("v2"))
    with pytest.raises(InconclusiveError, match="both versions run") as asked:
        await target.strategy.bring(site)
    assert "no-such-program" in asked.value.diagnostics()
    assert await get(edge.port) == "v1"
    assert target.runtime.who_runs() == {V1, V2, DATABASE}


async def test_a_canary_gets_a_part_and_is_judged_by_it(edge: Nginx, target: Target) -> None:
    use(
        target,
        edge,
        analysis={"probes": ({**PROBE, "path": "/broken", "at": ("step",)},)},
        canary=(20, 50),
        canary_wait_s=0.1,
    )
    site = await target.begin(target.coloured("v2"))
    with pytest.raises(AnalysisError, match="under a part of the requests"):
        await target.strategy.bring(site)
    answers = [await get(edge.port) for _ in range(100)]
    assert 10 <= answers.count("v2") <= 30
    await target.strategy.back(site)
    assert {await get(edge.port) for _ in range(20)} == {"v1"}

    # Who goes back goes back at once.
    site = await target.begin(target.coloured("v0"), DeliveryEvent.ROLLBACK)
    await target.strategy.bring(site)
    assert {await get(edge.port) for _ in range(20)} == {"v0"}


async def test_the_old_version_is_stopped_and_starts_again_when_one_goes_back(
    edge: Nginx, target: Target
) -> None:
    v1 = target.current
    await target.deploy(target.coloured("v2"))
    assert await get(edge.port) == "v2"
    assert target.runtime.who_runs() == {V2, DATABASE}
    assert v1 is not None
    await target.deploy(v1.release)
    assert await get(edge.port) == "v1"
    assert target.runtime.who_runs() == {V1, DATABASE}
    use(target, edge, keep_old=True)
    await target.deploy(target.coloured("v2"))
    assert target.runtime.who_runs() == {V1, V2, DATABASE}


async def test_what_both_share_goes_back_too_and_nothing_else_starts_again(
    edge: Nginx, target: Target
) -> None:
    failing = {"probes": ({**PROBE, "path": "/broken", "at": ("after",)},)}
    use(target, edge, analysis=failing)
    for database, starts in (("database", []), ("database2", ["web/database"])):
        site = await target.begin(target.coloured("v2", database=database))
        with pytest.raises(AnalysisError):
            await target.strategy.bring(site)
        target.runtime.starts.clear()
        await target.strategy.back(site)
        assert target.runtime.starts == starts
        assert target.runtime.who_runs() == {V1, DATABASE}


async def test_a_target_that_had_no_colours_gets_them(edge: Nginx, target: Target) -> None:
    target.strategy = Recreate()
    plain = target.plain(
        "v0",
        {
            "shop": {"says": "v0", "port": free_port()},
            "database": {"says": "database", "port": target.database},
        },
    )
    await target.runtime.down(target.layout.unit("x", "blue"))
    await target.deploy(plain)
    use(target, edge)
    await target.deploy(target.coloured("v1"))
    assert target.runtime.who_runs() == {V1, DATABASE}
    assert await get(edge.port) == "v1"


async def test_of_a_first_deployment_that_fails_nothing_is_left(
    tmp_path: Path, edge: Nginx
) -> None:
    target = Target(
        folder=tmp_path / "web", strategy=BlueGreen("", proxy_config(edge, (1, 2)), None)
    )
    use(target, edge, analysis={"probes": ({**PROBE, "path": "/broken", "at": ("after",)},)})
    try:
        site = await target.begin(target.coloured("v1"))
        with pytest.raises(AnalysisError):
            await target.strategy.bring(site)
        await target.strategy.back(site)
        assert not (edge.conf_d / "web.conf").exists()
        assert target.runtime.who_runs() == set()
    finally:
        target.runtime.end()


async def test_it_is_told_whether_requests_go_where_they_should(
    edge: Nginx, target: Target
) -> None:
    assert target.current is not None
    live = target.current.live
    assert await target.strategy.serves(LocalHost(), live)
    assert not await target.strategy.serves(
        LocalHost(), live.model_copy(update={"colour": "green"})
    )
    (edge.conf_d / "web.conf").write_text("# by hand")
    assert not await target.strategy.serves(LocalHost(), live)


async def test_without_nginx_the_old_version_stays(edge: Nginx, target: Target) -> None:
    edge.kill()
    site = await target.begin(target.coloured("v2"))
    with pytest.raises(ProxyError, match="does not run"):
        await target.strategy.bring(site)
    await target.strategy.back(site)
    edge.start()
    assert await get(edge.port) == "v1"
    assert target.runtime.who_runs() == {V1, DATABASE}


class Killed(BaseException):
    """As a kill: nobody tidies up."""


STEPS = ("start", "health", "smoke", "analysis-before", "canary-50", "switch", "analysis-after")


@pytest.mark.parametrize(("step", "done"), [*((step, False) for step in STEPS), (STEPS[-1], True)])
async def test_whatever_it_was_at_when_it_was_killed_the_next_one_goes_back(
    edge: Nginx, target: Target, monkeypatch: pytest.MonkeyPatch, step: str, *, done: bool
) -> None:
    before = (edge.conf_d / "web.conf").read_bytes()
    smoke = ({"name": "up", "path": "/"},)
    use(
        target,
        edge,
        analysis={"smoke": smoke, "probes": (PROBE,)},
        canary=(50,),
        canary_wait_s=0.0,
    )
    release = target.coloured("v2")
    site = await target.begin(release)
    method = "end" if done else "begin"
    original = getattr(Journal, method)

    async def killed(self: Journal, name: str) -> None:
        await original(self, name)
        if name == step:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Journal, method, killed)
        with pytest.raises(Killed):
            await target.strategy.bring(site)
    await target.strategy.back(await target.after_a_kill(release))
    assert {await get(edge.port) for _ in range(4)} == {"v1"}
    assert (edge.conf_d / "web.conf").read_bytes() == before
    assert target.runtime.who_runs() == {V1, DATABASE}
