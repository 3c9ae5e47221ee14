"""The addresses of a session's network: a /16 that the host does not use itself."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Final

from keelway.engine.errors import EngineError

_CANDIDATES: Final = (
    "10.87.0.0/16",
    "10.213.0.0/16",
    "172.30.0.0/16",
    "172.23.0.0/16",
    "10.41.0.0/16",
    "192.168.0.0/16",
)
_ROUTE_FIELDS: Final = 8
_DESTINATION: Final = 1
_MASK: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """One network for slirp4netns, of which its own end and the containers have a part each."""

    network: ipaddress.IPv4Network

    @property
    def outside(self) -> ipaddress.IPv4Network:
        """Return the part where slirp4netns itself is."""
        return next(self.network.subnets(new_prefix=24))

    @property
    def containers(self) -> ipaddress.IPv4Network:
        """Return the part that containers are in."""
        return list(self.network.subnets(prefixlen_diff=1))[1]

    @property
    def gateway(self) -> str:
        """Return where slirp4netns takes packets for elsewhere; it is always the second."""
        return str(self.network[2])

    @property
    def nameserver(self) -> str:
        """Return where slirp4netns answers for the host's name servers; it is always the third."""
        return str(self.network[3])

    @property
    def tap(self) -> str:
        """Return the address of the session's namespace towards slirp4netns."""
        return str(self.network[100])

    @property
    def router(self) -> str:
        """Return the address of the session's namespace towards the containers."""
        return str(self.containers[1])

    def container(self, number: int) -> str:
        """Return the address of a container, counted from 1.

        Raises:
            EngineError: There are no more.
        """
        if number + 2 >= self.containers.num_addresses:
            raise EngineError(f"a session has {number} containers on its network and no more")
        return str(self.containers[number + 1])


def choose_subnet(routes: str) -> Subnet:
    """Return the first network that no route of the host leads to (text of /proc/net/route).

    Raises:
        EngineError: The host's routes cover them all.
    """
    taken = list(_destinations(routes))
    for candidate in _CANDIDATES:
        network = ipaddress.IPv4Network(candidate)
        if not any(network.overlaps(other) for other in taken):
            return Subnet(network=network)
    raise EngineError(
        "no network is left for containers: the host's routes lead to all of "
        + ", ".join(_CANDIDATES)
    )


def _destinations(routes: str) -> list[ipaddress.IPv4Network]:
    found: list[ipaddress.IPv4Network] = []
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= _ROUTE_FIELDS:
            address, mask = _address(fields[_DESTINATION]), _address(fields[_MASK])
            network = ipaddress.IPv4Network(f"{address}/{mask}", strict=False)
            if network.prefixlen:  # the default route covers everything
                found.append(network)
    return found


def _address(hexadecimal: str) -> str:
    return socket.inet_ntoa(struct.pack("=I", int(hexadecimal, 16)))
