"""The network of a session: a bridge that containers are on, and a way out in user mode.

    network = Network(sandbox.state_dir)
    endpoint = network.attach()
    ...                                  # an exec in endpoint.ns_path
    network.release(endpoint)

The session's namespace holds a bridge and routes; each container has a namespace of its own with
one end of a pair on the bridge. The way out is slirp4netns on a tap beside the bridge. Bridge and
tap share the one subnet that slirp4netns serves, and the session's namespace answers on the tap for
all containers (proxy ARP): so neither address translation nor a privilege on the host is needed, as
root and as an ordinary user alike.

The host's loopback is out of reach: slirp4netns is told to refuse its alias of it, and a packet
that names 127.0.0.0/8 itself, which slirp4netns would let pass, is dropped by the kernel that
routes between bridge and tap. (With the tap as a port of the bridge it did get through.)

A namespace whose command is over is given to the next one when no socket is left in it: no process
is, and without CAP_NET_ADMIN none could have changed it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from keelway.engine.errors import EngineError
from keelway.engine.run import inside, kernel, overlay
from keelway.engine.run.bundle import hosts_text, network_resolv_text
from keelway.engine.run.datagrams import bound_datagrams, connected_datagrams
from keelway.engine.run.names import Names
from keelway.engine.run.netlink import Netlink
from keelway.engine.run.outside import (
    TAP,
    TUN,
    NoWayOutError,
    Outside,
    start_outside,
    tun_refusal,
)
from keelway.engine.run.spec import Endpoint
from keelway.engine.run.subnet import Subnet, choose_subnet
from keelway.engine.run.wire import make_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

T = TypeVar("T")

_MTU: Final = 65520
_NO_WAY_OUT: Final = "containers have no way out of this machine"
_BRIDGE: Final = "keelway0"
_BRIDGE_HARDWARE: Final = bytes.fromhex("020000000001")  # locally administered
_SETTINGS: Final = Path("/proc/sys/net/ipv4")
_ANY: Final = "0.0.0.0"  # noqa: S104 - in a namespace of its own


@dataclass(slots=True)
class _Bridge:
    """The session's namespace."""

    link: Netlink
    index: int
    ns_path: Path
    subnet: Subnet
    outside: Outside | None = None


@dataclass(slots=True)
class Network:
    """The network of one session; it is made when the first container needs it."""

    state_dir: Path
    names: Names = field(default_factory=Names)
    """What containers find by name, at any time."""
    shares_ports: bool = False
    _bridge: _Bridge | None = None
    _free: list[Endpoint] = field(default_factory=list)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def attach(self) -> Endpoint:
        """Return a place on the network for one container.

        Raises:
            EngineError: The kernel did not make it.
        """
        with self._lock:
            if self._free:
                return self._free.pop()
            self._count += 1
            number = self._count
        bridge = self._started()
        address = bridge.subnet.container(number)
        with _explained("a container's network"):
            return _in_thread(lambda: self._make(bridge, number, address))

    def release(self, endpoint: Endpoint, *, reuse: bool = True) -> None:
        """Take a place back; one that its command could have changed is not used again."""
        path = Path(endpoint.ns_path)
        if reuse and _enter(path, _is_quiet):
            with self._lock:
                self._free.append(endpoint)
        else:
            overlay.unmount(path)
            path.unlink(missing_ok=True)

    def dial(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connection from the engine to a container's address.

        Raises:
            OSError: Nobody answers there.
        """
        where = (address, port)
        return _enter(self.ns_path(), lambda: socket.create_connection(where, timeout_s))

    def dial_datagrams(self, address: str, port: int) -> socket.socket:
        """Return a UDP socket of the engine that speaks to a container's address."""
        return _enter(self.ns_path(), lambda: connected_datagrams(address, port))

    def listen(self, endpoint: Endpoint, port: int, *, host: str | None = None) -> socket.socket:
        """Return a listening socket of the engine's at a place on the network: at all addresses.

        `host` is the one address to listen on instead.

        Raises:
            OSError: The port is taken.
        """
        path = Path(endpoint.ns_path)
        return _enter(path, lambda: socket.create_server((host or _ANY, port)))

    def listen_datagrams(self, endpoint: Endpoint, port: int) -> socket.socket:
        """Return a UDP socket of the engine's at a place on the network.

        Raises:
            OSError: The port is taken.
        """
        return _enter(Path(endpoint.ns_path), lambda: bound_datagrams(_ANY, port))

    def starter(self, folder: Path, hosts: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words that start a program of the host's where it finds services by name."""
        files = {"hosts": hosts_text(None, socket.gethostname(), hosts)}
        files["resolv.conf"] = network_resolv_text(self.nameserver())
        for name, text in files.items():
            (folder / name).write_text(text)
        return (
            *(sys.executable, "-I", "-S", str(Path(inside.__file__))),
            *(str(self.ns_path()), *(str(folder / name) for name in files)),
            ",".join(hosts),
        )

    def nameserver(self) -> str | None:
        """Return who looks names up for whoever is on the network; None without a way out."""
        bridge = self._started()
        return None if bridge.outside is None else bridge.subnet.nameserver

    def ns_path(self) -> Path:
        """Return the session's namespace, from which containers and the world are reached."""
        return self._started().ns_path

    def way_out(self) -> str:
        """Open the network and return by what containers reach the outside.

        Raises:
            NoWayOutError: They do not.
            EngineError: There is no network at all.
        """
        with _explained("the session's network"):
            bridge = _in_thread(self._make_bridge)
            self._open(bridge)
        self._bridge = bridge
        refusal = tun_refusal()
        if refusal is None:
            return f"slirp4netns, by {TUN}"
        return f"slirp4netns, by a packet socket, since {TUN} cannot be opened ({refusal})"

    def close(self) -> None:
        """End the way out; namespaces end with the sandbox."""
        with self._starting:
            bridge, self._bridge = self._bridge, None
        if bridge is None:
            return
        bridge.link.close()
        if bridge.outside is not None:
            bridge.outside.close()

    # --- the session's namespace --------------------------------------------------------------

    def _started(self) -> _Bridge:
        with self._starting:
            if self._bridge is None:
                with _explained("the session's network"):
                    bridge = _in_thread(self._make_bridge)
                    try:
                        self._open(bridge)
                    except NoWayOutError as error:
                        sys.stderr.write(f"keelway-engine: {_NO_WAY_OUT}: {error}\n")
                self._bridge = bridge
            return self._bridge

    def _open(self, bridge: _Bridge) -> None:
        """Give the namespace its way out."""
        path = bridge.ns_path

        def make() -> socket.socket:
            return _enter(path, lambda: make_wire(bridge.link, TAP, mtu=_MTU))

        bridge.outside = start_outside(path, bridge.subnet, _MTU, make_wire=make)
        _enter(path, lambda: _plug_tap(bridge))

    def _make_bridge(self) -> _Bridge:
        """Make the namespace and the bridge; runs in a thread of its own."""
        subnet = choose_subnet(Path("/proc/net/route").read_text())
        path = self._new_namespace("session")
        link = Netlink()
        link.up(socket.if_nametoindex("lo"))
        link.bridge(_BRIDGE, _BRIDGE_HARDWARE)
        index = socket.if_nametoindex(_BRIDGE)
        link.up(index, mtu=_MTU)
        link.address(index, subnet.router, subnet.containers.prefixlen)
        (_SETTINGS / "ip_forward").write_text("1")
        return _Bridge(link=link, index=index, ns_path=path, subnet=subnet)

    def _make(self, bridge: _Bridge, number: int, address: str) -> Endpoint:
        """Make a container's namespace; runs in a thread of its own."""
        path = self._new_namespace(f"c{number}")
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            bridge.link.veth(
                f"c{number}", master=bridge.index, mtu=_MTU, peer="eth0", namespace=here
            )
        finally:
            os.close(here)
        with Netlink() as link:
            link.up(socket.if_nametoindex("lo"))
            index = socket.if_nametoindex("eth0")
            link.address(index, address, bridge.subnet.containers.prefixlen)
            link.up(index)
            link.default_route(index, bridge.subnet.router)
        return Endpoint(ns_path=str(path), address=address, nameserver=self.nameserver())

    def _new_namespace(self, name: str) -> Path:
        """Move the calling thread into a new namespace and give that a name."""
        folder = self.state_dir / "net"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.touch()
        kernel.unshare(kernel.CLONE_NEWNET)
        overlay.bind(Path("/proc/thread-self/ns/net"), path)
        return path


# --- threads in namespaces -------------------------------------------------------------------


def _in_thread(work: Callable[[], T]) -> T:
    """Return what `work` gives in a thread that ends then: its namespace is nobody else's."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="network")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(ns_path: Path, work: Callable[[], T]) -> T:
    """Return what `work` gives in a namespace."""

    def inside() -> T:
        descriptor = os.open(ns_path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.setns(descriptor, kernel.CLONE_NEWNET)
        finally:
            os.close(descriptor)
        return work()

    return _in_thread(inside)


@contextlib.contextmanager
def _explained(what: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(f"{what} could not be made: {error}") from error


def _plug_tap(bridge: _Bridge) -> None:
    """Route between tap and bridge, and answer on the tap for the containers."""
    index = socket.if_nametoindex(TAP)
    bridge.link.address(index, bridge.subnet.tap, bridge.subnet.outside.prefixlen)
    (_SETTINGS / "conf" / TAP / "proxy_arp").write_text("1")
    (_SETTINGS / "neigh" / TAP / "proxy_delay").write_text("0")
    bridge.link.up(index, mtu=_MTU)
    bridge.link.default_route(index, bridge.subnet.gateway)


def _is_quiet() -> bool:
    """Tell whether the namespace of this thread has no socket, not even one that times out.

    A socket of IPv6 takes a port of IPv4 too, and is counted apart.
    """
    for table in ("sockstat", "sockstat6"):
        with contextlib.suppress(FileNotFoundError):  # the kernel has no IPv6
            words = Path("/proc/thread-self/net", table).read_text().split()
            if any(
                name in {"inuse", "tw"} and count != "0"
                for name, count in itertools.pairwise(words)
            ):
                return False
    return True
