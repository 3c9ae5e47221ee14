"""Which ports of the host lead to which ports of services (Compose Specification, `ports`).

Example:
    >>> from pathlib import Path
    >>> from keelway.compose.project import Place, Port, Service
    >>> place = Place(file=Path("compose.yaml"), line=4)
    >>> web = Service(name="web", place=place, ports=(Port(target=80, published="8080"),))
    >>> [str(forward) for forward in plan_forwards([web])]
    ['0.0.0.0:8080->80/tcp']
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

from keelway.errors import ConfigError
from keelway.stack.objections import problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keelway.compose.project import Place, Port, Service

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what no address means in a compose file


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """One port of a service, and where on the host it is to be found."""

    service: str
    place: Place
    address: str
    """Of the host."""
    candidates: tuple[int, ...]
    """Ports of the host, any of which will do; empty: any that is free."""
    target: int
    protocol: Literal["tcp", "udp"]

    def __str__(self) -> str:
        """Return what people know from `docker ps`: `0.0.0.0:8080->80/tcp`."""
        ports = self.candidates
        published = f"{ports[0]}-{ports[-1]}" if len(ports) > 1 else str(ports[0]) if ports else ""
        return shown(self.address, published, self.target, self.protocol)


def shown(address: str, published: str, target: int, protocol: str) -> str:
    """Return a forwarded port on one line.

    >>> shown("::1", "5353", 53, "udp")
    '[::1]:5353->53/udp'
    """
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{published}->{target}/{protocol}"


def plan_forwards(services: Iterable[Service]) -> tuple[Forward, ...]:
    """Return all ports that are forwarded: those that leave no choice first, the freest last.

    Raises:
        ConfigError: Two services want the same port of the host.
    """
    found = [_forward(service, port) for service in services for port in service.ports]
    problems = [
        problem(
            second.place,
            f"services.{second.service}.ports",
            f"port {second.candidates[0]} of the host is published by {first.service} already"
            f" ({first.place})",
        )
        for number, second in enumerate(found)
        for first in found[:number]
        if _clash(first, second)
    ]
    if problems:
        raise ConfigError(problems, next_step="publish one of them at another port")
    return tuple(sorted(found, key=_freedom))


def _forward(service: Service, port: Port) -> Forward:
    # Port 0 asks the system for any port, as it does everywhere.
    first, _, last = (port.published or "0").partition("-")
    numbers = range(int(first), int(last or first) + 1)
    return Forward(
        service=service.name,
        place=port.place or service.place,
        address=port.host_ip or EVERYWHERE,
        candidates=tuple(numbers) if numbers[0] else (),
        target=port.target,
        protocol=port.protocol,
    )


def _clash(first: Forward, second: Forward) -> bool:
    same = first.protocol == second.protocol and first.candidates == second.candidates
    return same and len(first.candidates) == 1 and _overlap((first.address, second.address))


def _overlap(addresses: Sequence[str]) -> bool:
    parsed = [ip_address(one) for one in addresses]
    if parsed[0].version != parsed[1].version:
        return False
    return parsed[0] == parsed[1] or any(one.is_unspecified for one in parsed)


def _freedom(forward: Forward) -> int:
    return len(forward.candidates) or 1 << 16
