"""The host and services: tunnels and `up` lead to them, and services of the host are reached."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.engine.test_service_lifetime import PORT, fetched, free_port, is_open, web
from tests.support.shell import output

if TYPE_CHECKING:
    from collections.abc import Iterator

# --- from the host to a container ------------------------------------------------------------


async def test_tunnel_leads_from_the_host_to_a_service(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    tunnel = await dag.host().tunnel(web(base, nonce)).start()
    endpoint = await tunnel.endpoint()
    assert endpoint.startswith("127.0.0.1:")
    assert await tunnel.hostname() == "127.0.0.1"
    assert [await port.port() for port in await tunnel.ports()] == [int(endpoint.split(":")[1])]
    assert await asyncio.to_thread(fetched, endpoint) == nonce
    _ = await tunnel.stop()
    assert not is_open(int(endpoint.split(":")[1]))


async def test_tunnel_takes_the_ports_that_it_is_told(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    port = free_port()
    forwards = [dagger.PortForward(backend=PORT, frontend=port)]
    tunnel = await dag.host().tunnel(web(base, nonce), ports=forwards).start()
    assert await tunnel.endpoint(scheme="http") == f"http://127.0.0.1:{port}"
    assert await asyncio.to_thread(fetched, f"127.0.0.1:{port}") == nonce
    _ = await tunnel.stop()


async def test_native_tunnel_has_the_ports_of_the_service(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    port = free_port()
    made = base.with_new_file("/index.html", nonce).with_exposed_port(port)
    service = made.as_service(args=["httpd", "-f", "-p", str(port), "-h", "/"])
    tunnel = await dag.host().tunnel(service, native=True).start()
    assert await asyncio.to_thread(fetched, f"127.0.0.1:{port}") == nonce
    _ = await tunnel.stop()


async def test_tunnel_without_ports_is_an_error(base: dagger.Container, dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="no ports to forward"):
        _ = await dag.host().tunnel(base.as_service(args=["sleep", "60"])).start()


async def test_tunnel_to_a_port_that_is_taken_says_so(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - as the tunnel does
        port = taken.getsockname()[1]
        forwards = [dagger.PortForward(backend=PORT, frontend=port)]
        with pytest.raises(dagger.QueryError, match=f"port {port} of the host: address already"):
            _ = await dag.host().tunnel(web(base, nonce), ports=forwards).start()


async def test_tunnel_that_does_not_run_has_no_endpoint(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    with pytest.raises(dagger.QueryError, match="is not running"):
        await dag.host().tunnel(web(base, nonce)).endpoint()


async def test_up_serves_until_the_request_is_given_up(base: dagger.Container, nonce: str) -> None:
    port = free_port()
    forwards = [dagger.PortForward(backend=PORT, frontend=port)]
    up = asyncio.create_task(web(base, nonce).up(ports=forwards))
    deadline = time.monotonic() + 20
    while not await asyncio.to_thread(is_open, port):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert await asyncio.to_thread(fetched, f"127.0.0.1:{port}") == nonce
    assert not up.done()
    _ = up.cancel()
    with contextlib.suppress(asyncio.CancelledError, dagger.DaggerError):
        _ = await up
    while await asyncio.to_thread(is_open, port):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_container_up_is_the_same_for_its_command(base: dagger.Container, nonce: str) -> None:
    port = free_port()
    made = base.with_new_file("/index.html", nonce).with_exposed_port(port)
    up = asyncio.create_task(made.up(args=["httpd", "-f", "-p", str(port), "-h", "/"]))
    deadline = time.monotonic() + 20
    while not await asyncio.to_thread(is_open, port):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert await asyncio.to_thread(fetched, f"127.0.0.1:{port}") == nonce
    _ = up.cancel()
    with contextlib.suppress(asyncio.CancelledError, dagger.DaggerError):
        _ = await up


# --- from a container to the host ------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[int]:
    """A port of the host's loopback that answers `echo: ` and the line it was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.sendall(b"echo: " + client.recv(100))

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


async def test_service_of_the_host_is_reached_by_its_alias(
    base: dagger.Container, dag: dagger.Client, echo: int, nonce: str
) -> None:
    service = dag.host().service([dagger.PortForward(backend=echo, frontend=7)])
    client = base.with_service_binding("outside", service)
    assert await output(client, f"echo {nonce} | nc outside 7") == f"echo: {nonce}\n"


async def test_service_of_the_host_has_the_same_port_by_default(
    base: dagger.Container, dag: dagger.Client, echo: int, nonce: str
) -> None:
    service = dag.host().service([dagger.PortForward(backend=echo)])
    client = base.with_service_binding("outside", service)
    assert await output(client, f"echo {nonce} | nc outside {echo}") == f"echo: {nonce}\n"
    assert await service.endpoint() == f"{await service.hostname()}:{echo}"


async def test_started_service_of_the_host_is_found_by_name(
    base: dagger.Container, dag: dagger.Client, echo: int, nonce: str
) -> None:
    service = dag.host().service([dagger.PortForward(backend=echo, frontend=8)])
    with pytest.raises(dagger.QueryError, match="is not running"):
        await service.ports()
    _ = await service.start()
    assert [await port.port() for port in await service.ports()] == [8]
    said = await output(base, f"echo {nonce} | nc {await service.hostname()} 8")
    assert said == f"echo: {nonce}\n"
    _ = await service.stop()


async def test_service_of_the_host_without_ports_is_an_error(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="no ports"):
        await dag.host().service([]).hostname()


async def test_service_of_the_host_cannot_be_tunnelled_to(dag: dagger.Client) -> None:
    service = dag.host().service([dagger.PortForward(backend=1)])
    with pytest.raises(dagger.QueryError, match="tunneling to non-Container services"):
        _ = await dag.host().tunnel(service).start()
