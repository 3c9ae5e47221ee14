"""The ports of `EXPOSE`: numbers, ranges, protocols.

>>> parse_ports("8000-8001/udp")
((8000, 'udp'), (8001, 'udp'))
"""

from __future__ import annotations

from keelway.dockerfile.errors import SyntaxProblem

_PROTOCOLS = {"tcp", "udp", "sctp"}
_HIGHEST = 65535


def parse_ports(text: str) -> tuple[tuple[int, str], ...]:
    """Return each port with its protocol in lower case.

    A part for the host (`127.0.0.1:80:8080`) says nothing about the image and is left out, as
    Docker does.

    Raises:
        SyntaxProblem: A number or a protocol is none.
    """
    numbers, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in _PROTOCOLS:
        raise SyntaxProblem(f'invalid proto: "{protocol}" in port {text!r}: use tcp, udp or sctp')
    first, dash, last = numbers.rpartition(":")[2].partition("-")
    low = _number(first, text)
    high = _number(last, text) if dash else low
    if high < low:
        raise SyntaxProblem(f"invalid range of ports {text!r}: {high} is below {low}")
    return tuple((port, protocol) for port in range(low, high + 1))


def _number(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) <= _HIGHEST):
        raise SyntaxProblem(f"invalid containerPort: {text}: ports are 1 to {_HIGHEST}")
    return int(digits)
