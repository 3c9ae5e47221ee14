"""NGINX is switched from one version to the next and back, and nobody notices."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from keelway.deploy.host import HostError, LocalHost, Ran
from keelway.deploy.nginx import Front, Route, Upstream
from keelway.deploy.proxy import NginxAt, Proxy, ProxyError
from tests.support.colours import colour
from tests.support.load_client import get
from tests.support.missing import need
from tests.support.nginx import Nginx, nginx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from keelway.deploy.host import Host


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Nginx]:
    with nginx(tmp_path / "nginx") as running:
        yield running


def proxy_of(
    edge: Nginx,
    *,
    announce_s: float = 0.0,
    host: Host | None = None,
    **offered: Any,
) -> Proxy:
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
        **offered,
    )
    return Proxy(host or LocalHost(), at, front)


def at(address: str, weight: int = 100) -> Upstream:
    return Upstream(service="shop", address=address, weight=weight)


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
        port = int(blue.partition(":")[2])
        slow = asyncio.ensure_future(get(edge.port, "/held"))
        while await get(port, "/holding") == "0":  # noqa: ASYNC110 - another process knows it
            await asyncio.sleep(0.02)
        await proxy.point([at(green)])
        assert not await proxy.drained(0.2), "it is still at it"
        assert await get(edge.port) == "green"
        assert not slow.done()
        await get(port, "/release")
        assert await proxy.drained(60)
        assert await slow == "blue"


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


class Lost(LocalHost):
    """This machine, which is lost before the command or file after so many."""

    def __init__(self, left: int) -> None:
        self.left = left

    def _count(self) -> None:
        if self.left == 0:
            raise HostError("web1 is lost", host="web1")
        self.left -= 1

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        self._count()
        return await super().run(words, given=given, timeout_s=timeout_s)

    async def read(self, path: str) -> bytes | None:
        self._count()
        return await super().read(path)

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        self._count()
        await super().write(path, data, mode=mode)


async def test_wherever_the_host_is_lost_the_next_one_repairs_it(edge: Nginx) -> None:
    with colour("blue") as blue, colour("green") as green:
        await proxy_of(edge).point([at(blue)])
        before = await proxy_of(edge).read()
        for left in range(100):
            try:
                await proxy_of(edge, host=Lost(left), announce_s=0.01).point([at(green)])
            except HostError:
                await proxy_of(edge).restore(before)
                assert await get(edge.port) == "blue"
                assert [path.name for path in edge.conf_d.iterdir() if "closing" in path.name] == []
            else:
                break
        assert left > 8
        assert await get(edge.port) == "green"


async def test_a_file_that_nginx_does_not_read_is_named(edge: Nginx) -> None:
    with colour("blue") as blue:
        lost = NginxAt(file=str(edge.folder / "elsewhere" / "web.conf"), command=edge.command)
        front = Front(name="web", listen=("80",), routes=(Route(service="shop"),))
        with pytest.raises(ProxyError, match="does not read"):
            await Proxy(LocalHost(), lost, front).point([at(blue)])
        assert not (edge.folder / "elsewhere" / "web.conf").exists()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for shop.test, and its key."""
    certificate, key = folder / "tls.pem", folder / "tls.key"
    words = [need("openssl", package="openssl"), "req", "-x509", "-newkey", "ec", "-nodes"]
    words += ["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=shop.test"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    return certificate, key


async def test_tls_and_websockets_reach_the_service(edge: Nginx) -> None:
    certificate, key = self_signed(edge.folder)
    asked: list[bytes] = []

    async def upgraded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
        )
        writer.write(await reader.readexactly(4))
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(upgraded, "127.0.0.1", 0)
    async with service:
        port = service.sockets[0].getsockname()[1]
        await proxy_of(
            edge,
            certificate=str(certificate),
            certificate_key=str(key),
            server_names=("shop.test",),
        ).point([at(f"127.0.0.1:{port}")])
        context = ssl.create_default_context(cafile=str(certificate))
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", edge.port, ssl=context, server_hostname="shop.test"
        )
        writer.write(
            b"GET /chat HTTP/1.1\r\nHost: shop.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert head.startswith(b"HTTP/1.1 101 ")
        writer.write(b"ping")
        assert await asyncio.wait_for(reader.readexactly(4), 30) == b"ping"
        writer.close()
    assert b"x-forwarded-proto: https" in asked[0]
    assert b"upgrade: echo" in asked[0]
