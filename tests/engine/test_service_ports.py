"""Ports of services: what is told of them, and datagrams between the host and containers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.programs import with_perl

if TYPE_CHECKING:
    from collections.abc import Iterator

UDP = dagger.NetworkProtocol.UDP
ECHO = """
socket(S, 2, 2, 17); bind(S, pack("S n x12", 2, 5300)) or die $!;
while (defined($who = recv(S, $data, 512, 0))) { send(S, "$ENV{N}: $data", 0, $who) }
"""
ASK = """
socket(S, 2, 2, 17); $to = pack("S n a4 x8", 2, $ARGV[1], (gethostbyname($ARGV[0]))[4]);
$SIG{ALRM} = sub { send(S, "hello", 0, $to); alarm(1) }; $SIG{ALRM}->();
until (defined(recv(S, $data, 512, 0))) {} print $data;
"""


@pytest.fixture
def perl(base: dagger.Container, dag: dagger.Client, nonce: str) -> dagger.Container:
    """A container that can send and take datagrams."""
    return with_perl(dag, base).with_env_variable("N", nonce)


def echo(perl: dagger.Container) -> dagger.Service:
    """Return a service that answers at UDP port 5300 with `$N: ` and what it was sent."""
    return perl.with_exposed_port(5300, protocol=UDP).as_service(args=["perl", "-e", ECHO])


def asked(port: int) -> str:
    """Return what answers at a UDP port of the host; datagrams before its start are lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        client.connect(("127.0.0.1", port))
        for _ in range(60):
            try:
                client.send(b"hello")
                return client.recv(512).decode()
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.1)
    raise TimeoutError("no answer")


async def test_ports_keep_their_descriptions(base: dagger.Container) -> None:
    made = base.with_exposed_port(8000, description="eight", experimental_skip_healthcheck=True)
    made = made.with_exposed_port(9000, protocol=UDP)
    ports = await made.as_service(args=["sleep", "60"]).ports()
    assert [await port.description() for port in ports] == ["eight", None]
    assert [await port.experimental_skip_healthcheck() for port in ports] == [True, False]


async def test_ports_of_a_tunnel_say_where_they_lead(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    made = base.with_exposed_port(8080).with_exposed_port(5300, protocol=UDP)
    serve = ["sh", "-c", f"exec httpd -f -p 8080 # {nonce}"]
    tunnel = await dag.host().tunnel(made.as_service(args=serve)).start()
    ports = await tunnel.ports()
    assert [await port.protocol() for port in ports] == [dagger.NetworkProtocol.TCP, UDP]
    for port, backend in zip(ports, (8080, 5300), strict=True):
        told = await port.description() or ""
        assert told.startswith(f"tunnel 0.0.0.0:{await port.port()} -> ")
        assert told.endswith(f":{backend}")
    assert await tunnel.hostname() == "127.0.0.1"
    _ = await tunnel.stop()
    for read in (tunnel.hostname, tunnel.ports, tunnel.endpoint):
        with pytest.raises(dagger.QueryError, match=r"service [a-z0-9]+ is not running"):
            await read()


async def test_udp_port_is_reached_by_a_binding(perl: dagger.Container, nonce: str) -> None:
    client = perl.with_service_binding("echo", echo(perl))
    asking = client.with_exec(["perl", "-e", ASK, "echo", "5300"])
    assert await asyncio.wait_for(asking.stdout(), timeout=30) == f"{nonce}: hello"


async def test_tunnel_passes_datagrams_on(
    perl: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    tunnel = await dag.host().tunnel(echo(perl)).start()
    (port,) = await tunnel.ports()
    number = await port.port()
    answers = await asyncio.gather(*(asyncio.to_thread(asked, number) for _ in range(3)))
    assert answers == [f"{nonce}: hello"] * 3
    _ = await tunnel.stop()


async def test_up_listens_for_datagrams_too(perl: dagger.Container, nonce: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    forward = dagger.PortForward(backend=5300, frontend=number, protocol=UDP)
    up = asyncio.create_task(echo(perl).up(ports=[forward]))
    assert await asyncio.to_thread(asked, number) == f"{nonce}: hello"
    _ = up.cancel()
    with contextlib.suppress(asyncio.CancelledError, dagger.DaggerError):
        _ = await up


@pytest.fixture
def answering() -> Iterator[int]:
    """A UDP port of the host's loopback that answers `host: ` and what it was sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    data, client = server.recvfrom(512)
                    server.sendto(b"host: " + data, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


async def test_service_of_the_host_takes_datagrams(
    perl: dagger.Container, dag: dagger.Client, answering: int
) -> None:
    forward = dagger.PortForward(backend=answering, frontend=53, protocol=UDP)
    service = dag.host().service([forward])
    client = perl.with_service_binding("outside", service)
    asking = client.with_exec(["perl", "-e", ASK, "outside", "53"])
    assert await asyncio.wait_for(asking.stdout(), timeout=30) == "host: hello"
    service = await service.start()
    (port,) = await service.ports()
    assert (await port.port(), await port.protocol()) == (53, UDP)
    assert await port.description() == f"tunnel UDP 53 -> {answering}"
    _ = await service.stop()
