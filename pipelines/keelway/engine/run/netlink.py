"""The few words of rtnetlink that the engine's networks need: links, addresses, routes.

    with Netlink() as link:          # speaks to the network namespace of the calling thread
        link.up("lo")

Message formats: netlink(7), rtnetlink(7), veth(4). The `ip` program does the same in ten processes
for one container, and the packages that speak rtnetlink take longer to import than a session
takes to start.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_NEWLINK: Final = 16
_NEWADDR: Final = 20
_NEWROUTE: Final = 24
_ERROR: Final = 2

_REQUEST: Final = 0x1
_ACK: Final = 0x4
_CREATE: Final = 0x600  # NLM_F_CREATE | NLM_F_EXCL

_HARDWARE: Final = 1  # IFLA_ADDRESS
_IFNAME: Final = 3
_MTU: Final = 4
_MASTER: Final = 10
_LINKINFO: Final = 18
_NET_NS_FD: Final = 28
_INFO_KIND: Final = 1
_INFO_DATA: Final = 2
_VETH_PEER: Final = 1
_ADDRESS: Final = 1
_LOCAL: Final = 2
_OIF: Final = 4
_GATEWAY: Final = 5

_IFF_UP: Final = 0x1
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_MAIN_TABLE: Final = 254
_BOOT: Final = 3
_UNICAST: Final = 1


class Netlink:
    """A socket to one network namespace, which stays that of the thread that made it."""

    def __init__(self) -> None:
        """Open a socket in the namespace of the calling thread.

        Raises:
            OSError: The kernel has no rtnetlink.
        """
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return the socket."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the socket."""
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def bridge(self, name: str, hardware: bytes) -> None:
        """Make a bridge that keeps its hardware address, whatever ports come and go.

        Without one of its own it takes the least of its ports' addresses, so that a port more can
        change it; who has learned the one before is not told, and speaks to nobody for a minute.
        """
        info = _attribute(_LINKINFO, _attribute(_INFO_KIND, b"bridge"))
        words = _text(_IFNAME, name) + _attribute(_HARDWARE, hardware) + info
        self._ask(_NEWLINK, _CREATE, _LINK.pack(0, 0, 0, 0, 0) + words)

    def veth(self, name: str, *, master: int, mtu: int, peer: str, namespace: int) -> None:
        """Make a pair: one end here, up and in a bridge if any, the other in a namespace."""
        far = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFNAME, peer) + _number(_MTU, mtu)
        far += _number(_NET_NS_FD, namespace)
        data = _attribute(_INFO_DATA, _attribute(_VETH_PEER, far))
        info = _attribute(_LINKINFO, _attribute(_INFO_KIND, b"veth") + data)
        near = _text(_IFNAME, name) + _number(_MTU, mtu)
        if master:
            near += _number(_MASTER, master)
        self._ask(_NEWLINK, _CREATE, _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + near + info)

    def up(self, index: int, *, master: int = 0, mtu: int = 0) -> None:
        """Bring a link up, in a bridge where one is given."""
        body = _LINK.pack(0, 0, index, _IFF_UP, _IFF_UP)
        if mtu:
            body += _number(_MTU, mtu)
        if master:
            body += _number(_MASTER, master)
        self._ask(_NEWLINK, 0, body)

    def address(self, index: int, address: str, prefix: int) -> None:
        """Give a link an IPv4 address."""
        body = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, index)
        raw = socket.inet_aton(address)
        self._ask(_NEWADDR, _CREATE, body + _attribute(_LOCAL, raw) + _attribute(_ADDRESS, raw))

    def default_route(self, index: int, gateway: str) -> None:
        """Send what is for elsewhere to a gateway."""
        body = struct.pack(
            "=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _MAIN_TABLE, _BOOT, 0, _UNICAST, 0
        )
        body += _attribute(_GATEWAY, socket.inet_aton(gateway)) + _number(_OIF, index)
        self._ask(_NEWROUTE, _CREATE, body)

    def _ask(self, kind: int, flags: int, body: bytes) -> None:
        """Send a request and wait for the kernel's word.

        Raises:
            OSError: The kernel refused.
        """
        with self._lock:
            self._sequence += 1
            size = _HEADER.size + len(body)
            header = _HEADER.pack(size, kind, _REQUEST | _ACK | flags, self._sequence, 0)
            self._socket.send(header + body)
            answer = self._socket.recv(8192)
        _, kind, _, _, _ = _HEADER.unpack_from(answer)
        if kind == _ERROR:
            (code,) = struct.unpack_from("=i", answer, _HEADER.size)
            if code:
                raise OSError(-code, os.strerror(-code))


def _attribute(kind: int, data: bytes) -> bytes:
    padding = b"\0" * (-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + data + padding


def _text(kind: int, text: str) -> bytes:
    return _attribute(kind, text.encode() + b"\0")


def _number(kind: int, number: int) -> bytes:
    return _attribute(kind, struct.pack("=I", number))
