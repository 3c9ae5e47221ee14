"""NGINX is switched from one version to the next and back, and nobody notices."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from keelway.deploy.host import LocalHost
from keelway.deploy.nginx import Front, Route, Upstream
from keelway.deploy.proxy import NginxAt, Proxy, ProxyError
from tests.support.colours import colour
from tests.support.load_client import Load, get
from tests.support.nginx import Nginx, nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = 10_000


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Nginx]:
    with nginx(tmp_path / "nginx") as running:
        yield running


def proxy_of(edge: Nginx, *, announce_s: float = 0.0, snippets: str | None = None) -> Proxy:
    """What keelway makes of `[deploy.web.proxy]`."""
    at = NginxAt(
        file=str(edge.conf_d / "keelway-web.conf"),
        command=edge.command,
        announce_s=announce_s,
    )
    front = Front(
        name="web",
        listen=(f"127.0.0.1:{edge.port}",),
        routes=(Route(service="shop"),),
        snippets=snippets,
    )
    return Proxy(LocalHost(), at, front)


def at(address: str, weight: int = 100) -> Upstream:
    return Upstream(service="shop", address=address, weight=weight)


async def test_none_of_10000_requests_fails_while_it_is_switched_and_switched_back(
    edge: Nginx,
) -> None:
    with colour("blue") as blue, colour("green") as green:
        proxy = proxy_of(edge, announce_s=1)
        await proxy.point([at(blue)])
        before = await proxy.read()
        load = Load()
        clients = asyncio.ensure_future(load.run(edge.port))

        await load.reached(REQUESTS // 5)
        assert load.by_since(0) == {"blue"}
        await proxy.point([at(green)])
        switched = time.monotonic()
        await load.reached(load.requests + REQUESTS // 5)
        assert load.by_since(switched) == {"green"}

        await proxy.restore(before)
        back = time.monotonic()
        await load.reached(max(REQUESTS, load.requests + REQUESTS // 5))
        load.stop()
        await clients

    assert load.failed == []
    assert load.requests >= REQUESTS
    assert load.by_since(back) == {"blue"}
    assert load.reused > REQUESTS // 5, "clients kept their connections"
    assert await proxy.read() == before


async def test_a_configuration_that_is_broken_is_never_loaded(edge: Nginx) -> None:
    with colour("blue") as blue, colour("green") as green:
        await proxy_of(edge).point([at(blue)])
        before = await proxy_of(edge).read()
        snippet = edge.folder / "own.conf"
        snippet.write_text("no_such_directive on;\n")
        with pytest.raises(ProxyError) as refused:
            await proxy_of(edge, snippets=str(snippet)).point([at(green)])
        assert 'unknown directive "no_such_directive"' in refused.value.diagnostics()
        assert await get(edge.port) == "blue"
        assert await proxy_of(edge).read() == before


async def test_a_request_that_was_slow_before_the_switch_ends_well(edge: Nginx) -> None:
    with colour("blue") as blue, colour("green") as green:
        proxy = proxy_of(edge)
        await proxy.point([at(blue)])
        slow = asyncio.ensure_future(get(edge.port, "/slow/3"))
        await asyncio.sleep(0.3)
        await proxy.point([at(green)])
        assert not await proxy.drained(0.2), "it is still at it"
        assert await get(edge.port) == "green"
        assert await proxy.drained(60)
        assert await asyncio.wait_for(slow, 1) == "blue"


async def test_each_gets_its_share_of_the_requests(edge: Nginx) -> None:
    with colour("blue") as blue, colour("green") as green:
        proxy = proxy_of(edge)
        await proxy.point([at(blue, 90), at(green, 10)])
        answers = [await get(edge.port) for _ in range(400)]
        # Each worker keeps its own count.
        assert 20 <= answers.count("green") <= 60
        await proxy.point([at(blue, 0), at(green, 100)])
        assert {await get(edge.port) for _ in range(20)} == {"green"}


async def test_what_is_so_already_is_left_alone(edge: Nginx) -> None:
    with colour("blue") as blue:
        proxy = proxy_of(edge)
        assert await proxy.point([at(blue)])
        workers = edge.processes()
        assert not await proxy.point([at(blue)])
        assert not await proxy.restore(await proxy.read())
        assert edge.processes() == workers


async def test_a_nginx_that_was_killed_is_named_and_later_serves_what_it_served(
    edge: Nginx,
) -> None:
    with colour("blue") as blue, colour("green") as green:
        proxy = proxy_of(edge)
        await proxy.point([at(blue)])
        before = await proxy.read()
        edge.kill()
        with pytest.raises(ProxyError, match="NGINX does not run on this machine"):
            await proxy.point([at(green)])
        assert await proxy.read() == before
        edge.start()
        assert await get(edge.port) == "blue"
        assert await proxy.point([at(green)])
        assert await get(edge.port) == "green"


async def test_a_file_that_nginx_does_not_read_is_named(edge: Nginx) -> None:
    with colour("blue") as blue:
        lost = NginxAt(file=str(edge.folder / "elsewhere" / "web.conf"), command=edge.command)
        front = Front(name="web", listen=("80",), routes=(Route(service="shop"),))
        with pytest.raises(ProxyError, match="does not read"):
            await Proxy(LocalHost(), lost, front).point([at(blue)])
        assert not (edge.folder / "elsewhere" / "web.conf").exists()
