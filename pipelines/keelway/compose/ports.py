"""A service's ports, from their short and long forms."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from keelway.compose.project import Port
from keelway.compose.tree import Map

if TYPE_CHECKING:
    from keelway.compose.value import Value

_TARGET = re.compile(r"(?P<ports>[0-9-]+)(?:/(?P<protocol>\w+))?")
_LARGEST = 65535


class PortError(ValueError):
    """A text that is no port; says why."""


class ProtocolError(ValueError):
    """A port that is one, of a protocol that is not forwarded here."""


def read_ports(value: Value) -> tuple[Port, ...]:
    """Return the ports, ranges taken apart; the same port twice is one."""
    found: dict[tuple[object, ...], Port] = {}
    for item in value.items():
        for port in _long(item) if isinstance(item.node, Map) else _short(item):
            key = (port.host_ip or "0.0.0.0", port.published, port.target, port.protocol)  # noqa: S104 -- what no address means
            found[key] = replace(port, place=item.place)
    return tuple(found.values())


def _short(item: Value) -> list[Port]:
    try:
        return parse_port(item.text() or "")
    except PortError as error:
        item.error(str(error))
    except ProtocolError as error:
        item.error_if_enabled(str(error))
    return []


def parse_port(text: str) -> list[Port]:
    """Return the ports of a short form: `[[ip:]published:]target[/protocol]`, with ranges.

    Raises:
        PortError: When it has another form, or a number is no port's.
        ProtocolError: When its protocol is neither TCP nor UDP.
    """
    # From the right: the address may have colons of its own.
    rest, _, target = text.rpartition(":")
    ip, _, host = rest.rpartition(":")
    found = _TARGET.fullmatch(target)
    if found is None:
        raise PortError(f"'{text}' is no port: write 80, 8080:80 or 127.0.0.1:8080:80/udp")
    address = _address(ip)
    first, last = _range(found["ports"])
    hosts = _range(host) if host else None
    protocol = _protocol(found["protocol"] or "tcp")
    if hosts is not None and first != last and hosts[1] - hosts[0] != last - first:
        raise PortError(f"'{text}' has two ranges of different lengths")
    return [
        Port(
            target=number,
            published=_published(hosts, number - first, is_alone=first == last),
            host_ip=address,
            protocol=protocol,
        )
        for number in range(first, last + 1)
    ]


def _published(hosts: tuple[int, int] | None, offset: int, *, is_alone: bool) -> str | None:
    """Return the host's port: of one target with several, any of them may be taken."""
    if hosts is None:
        return None
    if is_alone and hosts[0] != hosts[1]:
        return f"{hosts[0]}-{hosts[1]}"
    return str(hosts[0] + offset)


def _long(item: Value) -> list[Port]:
    target = item.get("target").whole()
    if target is None or not 0 < target <= _LARGEST:
        item.error("the key 'target' must be a port's number")
        return []
    published = item.get("published").text()
    mode: Literal["ingress", "host"] = "host" if item.get("mode").text() == "host" else "ingress"
    try:
        if published:
            _range(published)
        return [
            Port(
                target=target,
                published=published or None,
                host_ip=_address(item.get("host_ip").text()),
                protocol=_protocol(item.get("protocol").text() or "tcp"),
                name=item.get("name").text(),
                app_protocol=item.get("app_protocol").text(),
                mode=mode,
            )
        ]
    except PortError as error:
        item.error(str(error))
    except ProtocolError as error:
        item.error_if_enabled(str(error))
    return []


def _address(text: str | None) -> str | None:
    if not text:
        return None
    bare = text.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(bare)
    except ValueError as error:
        raise PortError(f"'{text}' is no address of the host") from error
    return bare


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        ends = int(first), int(last or first)
    except ValueError as error:
        raise PortError(f"'{text}' is no port or range of ports") from error
    if ends[0] > ends[1] or ends[1] > _LARGEST:
        raise PortError(f"'{text}' is no port or range of ports")
    return ends


def _protocol(text: str) -> Literal["tcp", "udp"]:
    if text.lower() == "tcp":
        return "tcp"
    if text.lower() == "udp":
        return "udp"
    raise ProtocolError(
        f"cannot be done here: the protocol {text} is not forwarded here: tcp and udp are"
    )
