"""A tap without `/dev/net/tun`: one end of a pair of links, with a packet socket on the other.

Users may open `/dev/net/tun` where udev says so; containers often do not have it. Packet sockets
need only CAP_NET_RAW over the network namespace, which its owner has (packet(7), veth(4)).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keelway.engine.run.netlink import Netlink

_ALL_PROTOCOLS: Final = 3  # ETH_P_ALL
_SOL_PACKET: Final = 263
_PACKET_IGNORE_OUTGOING: Final = 23
_SIOCETHTOOL: Final = 0x8946
_SET_TX_CHECKSUM: Final = 0x17
_SET_TSO: Final = 0x1F
_SET_GSO: Final = 0x24
_SET_GRO: Final = 0x2C
_BUFFER_BYTES: Final = 4 << 20
_IPV6: Final = Path("/proc/sys/net/ipv6/conf")


def make_wire(link: Netlink, name: str, *, mtu: int) -> socket.socket:
    """Make a link in the network namespace of this thread; return what its frames pass through.

    Args:
        link: speaks to the same namespace.
        name: of the link, which has no address yet.
        mtu: the largest packet of both ends.

    Raises:
        OSError: the kernel makes no such links, or no packet sockets.
    """
    far = f"{name}-far"
    namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        link.veth(name, master=0, mtu=mtu, peer=far, namespace=namespace)
    finally:
        os.close(namespace)
    with contextlib.suppress(OSError):  # a kernel without IPv6
        (_IPV6 / far / "disable_ipv6").write_text("1")
    for end in (name, far):
        _complete_frames(end)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)  # as far as it may
    with contextlib.suppress(OSError):  # Linux 4.20
        wire.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    link.up(socket.if_nametoindex(far), mtu=mtu)
    wire.bind((far, _ALL_PROTOCOLS))  # to a link that is down it would have an error waiting
    return wire


def _complete_frames(name: str) -> None:
    """Have checksums and sizes made right before a frame leaves: nobody does it behind a socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (_SET_TX_CHECKSUM, _SET_TSO, _SET_GSO, _SET_GRO):
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("16sP", name.encode(), ctypes.addressof(value))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
