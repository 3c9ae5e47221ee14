"""Durations and byte sizes, as the Compose Specification writes them.

Example:
    >>> parse_duration("1m30s"), parse_duration("1h"), parse_duration("250us")
    (90.0, 3600.0, 0.00025)
    >>> parse_size("64m"), parse_size("1.5gb"), parse_size("2k"), parse_size("300")
    (67108864, 1610612736, 2048, 300)
"""

from __future__ import annotations

import re
from fractions import Fraction

_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "w": Fraction(604800),
}
_PART = re.compile(r"(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)(?P<unit>[a-zµμ]+)")
_SIZE = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+) ?(?P<unit>[bkmgtp]?)(?P<rest>b|ib)?", re.IGNORECASE
)
_POWERS = "bkmgtp"


def parse_duration(text: str) -> float:
    """Return seconds: `1h5m30s20ms`, units from `ns` to `w`.

    Raises:
        ValueError: When it is no duration, or below zero.
    """
    unsigned = text.removeprefix("+")
    if unsigned == "0":
        return 0.0
    total = Fraction(0)
    at = 0
    while found := _PART.match(unsigned, at):
        total += Fraction(found["number"].removesuffix(".")) * _unit(found["unit"])
        at = found.end()
    if at == 0 or at != len(unsigned):
        raise ValueError(text)
    return float(total)


def _unit(name: str) -> Fraction:
    if name not in _SECONDS:
        raise ValueError(name)
    return _SECONDS[name]


def show_duration(seconds: float) -> str:
    """Return seconds as a duration: `1m30s`; fractions in the largest unit that has none."""
    nanoseconds = round(Fraction(seconds) * 10**9)
    parts: list[str] = []
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, nanoseconds = divmod(nanoseconds, int(_SECONDS[unit] * 10**9))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Return bytes: `64m`, `1gb`, `2KiB`; units are powers of 1024; a number alone is bytes.

    Raises:
        ValueError: When it is no size.
    """
    if re.fullmatch(r"-\d+", text):
        # -1: without limit.
        return int(text)
    found = _SIZE.fullmatch(text)
    if found is None or (found["unit"].lower() in {"", "b"} and found["rest"]):
        raise ValueError(text)
    power = _POWERS.index(found["unit"].lower() or "b")
    return int(Fraction(found["number"].removesuffix(".")) * 1024**power)
