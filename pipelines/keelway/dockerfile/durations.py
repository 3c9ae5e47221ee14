"""Durations as Go writes them: `1h30m`, `5s`, `250ms`.

>>> nanoseconds("1m30s")
90000000000
"""

from __future__ import annotations

import re
from decimal import Decimal

from keelway.dockerfile.errors import SyntaxProblem

_UNITS = {
    "h": 3600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "µs": 10**3,
    "ns": 1,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ms|us|µs|ns|h|m|s)")


def nanoseconds(text: str) -> int:
    """Return a duration in nanoseconds.

    Raises:
        SyntaxProblem: The text is no duration.
    """
    if text == "0":
        return 0
    at = 0
    total = Decimal(0)
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            break
        total += Decimal(match[1]) * _UNITS[match[2]]
        at = match.end()
    if at < len(text) or not text:
        raise SyntaxProblem(f'invalid duration "{text}": write it like 30s, 1m30s or 500ms')
    return int(total)
