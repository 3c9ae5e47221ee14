"""Places on the session's network: who has one keeps it, and who comes next finds it empty."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keelway.engine.run import kernel
from keelway.engine.run.network import Network
from keelway.engine.run.spec import Endpoint
from tests.unit.engine.run.sandboxed import Box, in_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.run.enter import Sandbox

T = TypeVar("T")

ARPHRD_ETHER = 1
SIOCSIFHWADDR = 0x8924


def test_they_are_used_again_when_no_socket_is_left(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        network = Network(sandbox.state_dir)
        first = network.attach()
        box.sh("true", network=first)
        network.release(first)
        assert network.attach() == first
        network.release(first, reuse=False)
        second = network.attach()
        assert second != first
        held = network.listen(second, 8080)
        network.release(second)
        third = network.attach()
        assert third != second, "a place with a socket in it was given out again"
        held.close()
        # A connection that was closed keeps its port for a minute.
        script = "nc -l -p 8080 -e true & sleep 0.2; nc 127.0.0.1 8080 </dev/null; wait"
        box.sh(script, network=third)
        network.release(third)
        assert network.attach() != third
        network.close()

    in_sandbox(work)


def test_one_is_not_used_again_while_a_connection_of_ipv6_ends() -> None:
    """A server at `::` serves IPv4 as well; what its client has not read keeps its port."""

    def work(sandbox: Sandbox) -> None:
        network = Network(sandbox.state_dir)
        one, two = network.attach(), network.attach()
        server = in_namespace(one, serve_both)
        with server, network.dial(one.address or "", 8080, timeout_s=5):
            fill_and_close(server.accept()[0])
            server.close()
            network.release(one)
            three = network.attach()
            assert three != one
            network.listen(three, 8080).close()
        network.release(two)
        assert network.attach() == two
        network.close()

    in_sandbox(work)


def serve_both() -> socket.socket:
    """Return a server of IPv6 and IPv4, as many programs make theirs."""
    family = socket.AF_INET6
    return socket.create_server(("::", 8080), family=family, dualstack_ipv6=True)


def fill_and_close(connection: socket.socket) -> None:
    """Send more than the other side takes, and go."""
    connection.settimeout(0)
    with connection, contextlib.suppress(BlockingIOError):
        while True:
            connection.send(bytes(1 << 16))


def test_containers_keep_their_router_when_one_more_comes(rootfs: Path) -> None:
    """Whatever the hardware address of the new one's port: the least of all is the worst case."""

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        network = Network(sandbox.state_dir)
        session = Endpoint(ns_path=str(network.ns_path()))
        assert network._bridge is not None
        router = network._bridge.subnet.router

        def ask_router(endpoint: Endpoint) -> str:
            server = network.listen(session, 0)
            answer_once(server)
            port = server.getsockname()[1]
            script = f"nc -w 10 {router} {port} </dev/null"
            return box.sh(script, network=endpoint, code=None).text

        before = [network.attach(), network.attach()]
        assert [ask_router(one) for one in before] == ["hello\n"] * 2
        network.attach()
        in_namespace(session, lambda: set_hardware_address("c3", "020000000000"))
        assert [ask_router(one) for one in before] == ["hello\n"] * 2
        network.close()

    in_sandbox(work)


def answer_once(server: socket.socket) -> None:
    """Greet the first who comes, in a thread."""

    def answer() -> None:
        with contextlib.suppress(OSError), server, server.accept()[0] as connection:
            connection.sendall(b"hello\n")

    server.settimeout(20)
    threading.Thread(target=answer, daemon=True).start()


def in_namespace(endpoint: Endpoint, work: Callable[[], T]) -> T:
    """Return what `work` gives in a network namespace."""

    def run() -> T:
        with Path(endpoint.ns_path).open() as namespace:
            kernel.setns(namespace.fileno(), kernel.CLONE_NEWNET)
        return work()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def set_hardware_address(link: str, address: str) -> None:
    """Give a link of this namespace another hardware address, while it is up."""
    request = struct.pack("16sH6s8x", link.encode(), ARPHRD_ETHER, bytes.fromhex(address))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernels:
        fcntl.ioctl(kernels, SIOCSIFHWADDR, request)
