"""Sizes and ages as people write them: `500MB`, `1.5GiB`, a part of the whole: `10%`; `7d`, `12h`.

Example:
    >>> parse_size("10%", of=500)
    50
    >>> parse_age("1h30m")
    5400
"""

from __future__ import annotations

import re

from keelway.engine.errors import EngineError

_UNITS = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgtp", 1)},
    **{f"{letter}": 1000**power for power, letter in enumerate("kmgtp", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgtp", 1)},
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*|%)\s*")
_WHOLE = 100
_AGE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def parse_size(text: str, *, of: int) -> int:
    """Return the bytes that a text means; `of` is the whole that a percentage is a part of.

    Raises:
        EngineError: it means none.
    """
    found = _SIZE.fullmatch(text)
    number, unit = (float(found[1]), found[2].lower()) if found else (0.0, "?")
    if unit == "%" and number <= _WHOLE:
        return int(of * number / _WHOLE)
    if unit not in _UNITS:
        raise EngineError(f"{text!r} is no size; write one such as 500MB, 1.5GiB or 10%")
    return int(number * _UNITS[unit])


def parse_age(text: str) -> int:
    """Return the seconds that a text means.

    Raises:
        EngineError: it means none.
    """
    parts = _AGE.findall(text.replace(" ", "").lower())
    if not parts or "".join(map("".join, parts)) != text.replace(" ", "").lower():
        raise EngineError(f"{text!r} is no age; write one such as 30m, 12h, 7d or 1d12h")
    return int(sum(float(number) * _AGE_UNITS[unit] for number, unit in parts))


def show_size(size: int) -> str:
    """Return a size in the unit that suits it, in steps of 1000."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - the step of the units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
