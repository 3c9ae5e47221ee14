"""Durations as Go writes them, which is how the API takes and gives them."""

from __future__ import annotations

import re

from keelway.engine.errors import EngineError

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def nanoseconds(text: str | None) -> int:
    """Return the nanoseconds of a text such as `1m30s`; 0 for none.

    Raises:
        EngineError: The text is no duration.

    >>> nanoseconds("1m0.5s")
    60500000000
    """
    if not text or text == "0":
        return 0
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if end != len(text):
        raise EngineError(f'invalid duration "{text}": use for example 30s, 1m30s or 500ms')
    return round(total)


def text_of(duration: int) -> str:
    """Return nanoseconds as Go prints them.

    >>> text_of(60_000_000_000), text_of(1_500_000_000), text_of(0)
    ('1m0s', '1.5s', '0s')
    """
    if duration == 0:
        return "0s"
    if duration < _UNITS["s"]:
        for unit in ("ms", "us", "ns"):
            if duration >= _UNITS[unit]:
                return f"{_number(duration / _UNITS[unit])}{unit.replace('us', 'µs')}"
    hours, rest = divmod(duration, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    seconds = f"{_number(rest / _UNITS['s'])}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")
