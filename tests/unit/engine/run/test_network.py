"""The session's network: containers reach each other and the world, never the host's loopback."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import outside
from keelway.engine.run.bundle import hosts_text, resolv_text
from keelway.engine.run.network import Network
from keelway.engine.run.spec import Bind
from keelway.engine.run.subnet import choose_subnet
from tests.support.missing import missing, need
from tests.support.powers import CAP_NET_RAW, drop_capability
from tests.unit.engine.run.sandboxed import Box, in_sandbox

if TYPE_CHECKING:
    from keelway.engine.run.enter import Sandbox
    from keelway.engine.run.spec import Endpoint

LOOPBACK_BY_ROUTER = """
echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
ip addr del 127.0.0.1/8 dev lo
ip route flush table local
ip route add local $(ip -4 -o addr show eth0 | awk '{print $4}' | cut -d/ -f1) dev eth0 table local
ip route add 127.0.0.0/8 via %s
nc -w 2 127.0.0.1 %d </dev/null && echo reached
"""
"""Sends packets for 127.0.0.1 to the outside, as raw sockets could without any privilege."""


@pytest.fixture(params=["tun", "packet socket"])
def way_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way that frames take to slirp4netns."""
    need("slirp4netns", package="slirp4netns")
    if request.param == "packet socket":
        monkeypatch.setattr(outside, "TUN", Path("/dev/net/none"))
    elif not outside.TUN.exists():
        missing(str(outside.TUN))


def serve_once(server: socket.socket) -> threading.Thread:
    def answer() -> None:
        try:
            with server, server.accept()[0] as connection:
                connection.sendall(b"hello\n")
        except OSError:
            return

    server.settimeout(20)
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return thread


def address(endpoint: Endpoint) -> str:
    assert endpoint.address is not None
    return endpoint.address


@pytest.mark.usefixtures("way_out")
def test_containers_and_the_engine_reach_each_other(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        network = Network(sandbox.state_dir)
        one, two = network.attach(), network.attach()
        assert one.address != two.address
        serve_once(network.listen(two, 80))
        hosts = {"service": address(two)}
        assert box.sh("nc service 80 </dev/null", network=one, hosts=hosts).text == "hello\n"
        serve_once(network.listen(two, 80))
        with network.dial(address(two), 80, timeout_s=5) as connection:
            assert connection.recv(10) == b"hello\n"
        with pytest.raises(ConnectionRefusedError):
            network.dial(address(two), 81, timeout_s=5)
        network.close()

    in_sandbox(work)


@pytest.mark.usefixtures("way_out")
def test_the_hosts_loopback_is_out_of_reach(rootfs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(0.1)

        def work(sandbox: Sandbox) -> None:
            box = Box.make(sandbox, rootfs)
            network = Network(sandbox.state_dir)
            endpoint = network.attach()
            for host in ("127.0.0.1", "10.87.0.2", "localhost"):
                box.sh(f"nc -w 2 {host} {port} </dev/null", network=endpoint, code=1)
            box.sh(f"nc -w 2 127.0.0.1 {port} </dev/null", code=1)
            assert network._bridge is not None
            script = LOOPBACK_BY_ROUTER % (network._bridge.subnet.router, port)
            ran = box.sh(script, network=endpoint, privileged=True, code=None)
            assert "reached" not in ran.text
            assert ran.code == 1, ran.stderr
            network.close()

        in_sandbox(work)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.usefixtures("way_out")
def test_a_host_by_name_through_slirp4netns(tmp_path: Path) -> None:
    """Python of the host, in a container whose root is the host's, asks the package index."""
    index = _index()
    python = Path("/usr/bin/python3")
    if not python.exists():
        missing("/usr/bin/python3")

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, Path("/"))
        network = Network(sandbox.state_dir)
        code = f"import urllib.request as u; print(u.urlopen({index!r}, timeout=20).status)"
        bind = Bind(source=tmp_path, target="/mnt")
        ran = box.run(str(python), "-c", code, network=network.attach(), binds=[bind])
        assert ran.text == "200\n"
        network.close()

    in_sandbox(work)


def _index() -> str:
    """Return a page that this machine reaches by name, or skip."""
    url = "https://pypi.org/simple/six/"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            answer.read()
    except OSError as error:
        missing(f"a way to {urllib.parse.urlsplit(url).hostname} ({error})")
    return url


@pytest.mark.usefixtures("way_out")
def test_much_data_passes_both_ways(rootfs: Path) -> None:
    """More than all buffers hold, in frames as large as the kernel likes to make them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            missing("a network other than the loopback")
        host = probe.getsockname()[0]
    data = os.urandom(24 << 20)
    with socket.create_server((host, 0)) as server:
        threading.Thread(target=echo_once, args=(server,), daemon=True).start()
        port = server.getsockname()[1]

        def work(sandbox: Sandbox) -> None:
            box = Box.make(sandbox, rootfs)
            network = Network(sandbox.state_dir)
            (sandbox.state_dir / "data").write_bytes(data)
            bind = Bind(source=sandbox.state_dir / "data", target="/data", readonly=True)
            script = f"nc -w 20 {host} {port} </data | sha256sum"
            said = box.sh(script, network=network.attach(), binds=[bind]).text
            assert said.split()[0] == hashlib.sha256(data).hexdigest()
            network.close()

        in_sandbox(work)


def echo_once(server: socket.socket) -> None:
    """Read all that a client sends, then send it back."""
    server.settimeout(20)
    with contextlib.suppress(OSError), server.accept()[0] as connection:
        connection.settimeout(20)
        got = bytearray()
        while piece := connection.recv(1 << 20):
            got += piece
        connection.sendall(got)


def test_no_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    need("slirp4netns", package="slirp4netns")
    monkeypatch.setattr(outside, "TUN", Path("/dev/net/none"))

    def work(sandbox: Sandbox) -> None:
        drop_capability(CAP_NET_RAW)
        network = Network(sandbox.state_dir)
        assert network.attach().nameserver is None
        network.close()

    in_sandbox(work)
    said = capfd.readouterr().err
    assert "/dev/net/none cannot be opened (No such file or directory)" in said
    assert "nor can a packet socket (Operation not permitted)" in said


def test_without_a_way_out_containers_still_reach_each_other(
    rootfs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "crun").symlink_to(need("crun", package="crun"))
    monkeypatch.setenv("PATH", str(tmp_path))

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        network = Network(sandbox.state_dir)
        one, two = network.attach(), network.attach()
        assert one.nameserver is None
        serve_once(network.listen(two, 80))
        assert box.sh(f"nc {two.address} 80 </dev/null", network=one).text == "hello\n"
        network.close()

    in_sandbox(work)


def test_an_exec_without_a_network_has_loopback_only(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        script = "ip -o link | wc -l; ip route; nc -l -p 80 -e echo hi & sleep 0.2; nc localhost 80"
        assert box.sh(script).text == "1\nhi\n"

    in_sandbox(work)


def _routes(*networks: str) -> str:
    lines = ["Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT"]
    for network in networks:
        where, mask = network.split("/")
        words = [
            f"{int.from_bytes(socket.inet_aton(text), 'little'):08X}" for text in (where, mask)
        ]
        lines.append(f"eth0\t{words[0]}\t00000000\t0001\t0\t0\t0\t{words[1]}\t0\t0\t0")
    return "\n".join(lines) + "\n"


def test_the_subnet_avoids_the_hosts_routes() -> None:
    default = "0.0.0.0/0.0.0.0"
    assert str(choose_subnet(_routes(default)).network) == "10.87.0.0/16"
    taken = _routes(default, "10.87.5.0/255.255.255.0")
    assert str(choose_subnet(taken).network) == "10.213.0.0/16"
    all_of_ten = _routes(default, "10.0.0.0/255.0.0.0")
    assert str(choose_subnet(all_of_ten).network) == "172.30.0.0/16"
    with pytest.raises(EngineError, match="no network is left"):
        choose_subnet(
            _routes("10.0.0.0/255.0.0.0", "172.16.0.0/255.240.0.0", "192.168.0.0/255.255.0.0")
        )


def test_addresses_of_the_parts() -> None:
    subnet = choose_subnet(_routes())
    assert (subnet.gateway, subnet.nameserver) == ("10.87.0.2", "10.87.0.3")
    assert subnet.router == "10.87.128.1"
    assert subnet.container(1) == "10.87.128.2"
    assert not subnet.outside.overlaps(subnet.containers)
    with pytest.raises(EngineError, match="no more"):
        subnet.container(40000)


def test_hosts_and_resolv_conf() -> None:
    text = hosts_text("10.0.0.5", "box", {"db": "10.0.0.9"})
    assert text.splitlines()[0] == "127.0.0.1\tlocalhost"
    assert text.splitlines()[2:] == ["10.0.0.5\tbox", "10.0.0.9\tdb"]
    host = "# by hand\nnameserver 127.0.0.53\nsearch corp.example\noptions ndots:2\n"
    expected = "nameserver 10.0.0.3\nsearch corp.example\noptions ndots:2\n"
    assert resolv_text("10.0.0.3", host) == expected
    assert resolv_text(None, host) == ""
