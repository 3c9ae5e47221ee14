"""Which ports of the host lead where, as the Compose Specification has it."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import anyio
import anyio.abc
import pytest

from keelway.compose.ports import parse_port
from keelway.compose.project import Place, Service
from keelway.develop.forwards import Forward, plan_forwards
from keelway.develop.relay import open_ways, unavailable
from keelway.errors import ConfigError, PlanError

PLACE = Place(file=Path("compose.yaml"), line=5)


def service(*ports: str, name: str = "web") -> Service:
    parsed = tuple(port for text in ports for port in parse_port(text))
    return Service(name=name, place=PLACE, ports=parsed)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("80", ["0.0.0.0::80/tcp"]),
        ("8080:80", ["0.0.0.0:8080->80/tcp"]),
        ("127.0.0.1:8080:80", ["127.0.0.1:8080->80/tcp"]),
        ("127.0.0.1::80", ["127.0.0.1::80/tcp"]),
        ("[::1]:8080:80", ["[::1]:8080->80/tcp"]),
        ("5353:53/udp", ["0.0.0.0:5353->53/udp"]),
        ("8080-8081:80-81", ["0.0.0.0:8080->80/tcp", "0.0.0.0:8081->81/tcp"]),
        ("8080-8089:80", ["0.0.0.0:8080-8089->80/tcp"]),
        ("0:80", ["0.0.0.0::80/tcp"]),
    ],
)
def test_a_port_leads_where_it_is_written(written: str, expected: list[str]) -> None:
    told = [str(forward).replace(":->", "::") for forward in plan_forwards([service(written)])]
    assert told == expected


def test_what_leaves_no_choice_goes_first() -> None:
    planned = plan_forwards([service("80", "8080-8089:81", "8080:82")])
    assert [forward.target for forward in planned] == [82, 81, 80]


@pytest.mark.parametrize("other", ["8080:90", "127.0.0.1:8080:90"])
def test_two_services_cannot_have_one_port(other: str) -> None:
    with pytest.raises(
        ConfigError, match=r"compose\.yaml:5: services\.api\.ports: port 8080 .*web"
    ):
        plan_forwards([service("8080:80"), service(other, name="api")])


def test_the_same_number_at_other_addresses_or_protocols_is_another_port() -> None:
    one = service("127.0.0.1:8080:80", "127.0.0.2:8080:80", "8080:80/udp", "[::1]:8080:80")
    assert len(plan_forwards([one])) == 4


def forward(*candidates: int, protocol: str = "tcp") -> Forward:
    return Forward(
        service="web",
        place=PLACE,
        address="127.0.0.1",
        candidates=candidates,
        target=80,
        protocol="udp" if protocol == "udp" else "tcp",
    )


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_a_port_that_is_taken_is_an_error_with_its_place(protocol: str) -> None:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            taken.listen()
        port = taken.getsockname()[1]
        told = rf"compose\.yaml:5: services\.web\.ports: port {port} \({protocol}\) of .* is taken"
        with pytest.raises(PlanError, match=told):
            async with open_ways([forward(port, protocol=protocol)]):
                pass


async def test_of_a_range_the_first_free_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with open_ways([forward(port, 0)]) as (way,):
            assert way.port not in {0, port}


async def answering(group: anyio.abc.TaskGroup, word: bytes) -> int:
    """Answer what is asked with a word in front, and return the port for that."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.send(word + await stream.receive())

    async def serve() -> None:
        async with listener:
            await listener.serve(answer)

    group.start_soon(serve)
    return local_port(listener)


def local_port(socket: anyio.TypedAttributeProvider) -> int:
    return socket.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's


async def ask(port: int) -> bytes:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"?")
        return await stream.receive()


async def test_connections_follow_a_service_that_moves() -> None:
    async with open_ways([forward()]) as (way,), anyio.create_task_group() as group:
        group.start_soon(way.serve, group)
        async with await anyio.connect_tcp("127.0.0.1", way.port) as early:
            await early.send(b"early")  # there is no service yet: it waits for one
            way.lead_to(await answering(group, b"old "))
            assert await early.receive() == b"old early"
        way.lead_to(None)
        way.lead_to(await answering(group, b"new "))
        assert await ask(way.port) == b"new ?"
        way.close()
        group.cancel_scope.cancel()


async def test_datagrams_find_their_way_and_back() -> None:
    async with (
        open_ways([forward(protocol="udp")]) as (way,),
        await anyio.create_udp_socket(local_host="127.0.0.1") as server,
        await anyio.create_connected_udp_socket("127.0.0.1", way.port) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(way.serve, group)
        way.lead_to(local_port(server))
        await client.send(b"ping")
        data, address = await server.receive()
        await server.sendto(data + b" pong", *address)
        assert await client.receive() == b"ping pong"
        group.cancel_scope.cancel()


def test_a_port_for_the_mighty_is_told_as_such() -> None:
    error = unavailable(forward(80), PermissionError(errno.EACCES, "Permission denied"))
    assert "port 80 (tcp) of 127.0.0.1 cannot be had (Permission denied)" in str(error)
