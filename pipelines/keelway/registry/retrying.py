"""When a registry is asked again: after a network error, a 5xx or a 429, later each time. Pure.

Example:
    >>> is_passing(503), is_passing(403)
    (True, False)
    >>> retry_after({"retry-after": "7"}, now=0.0)
    7.0
"""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTEMPTS = 4
"""So often a request is sent in all."""

_TOO_MANY = 429
_SERVER_ERROR = 500
_DELAY_S = 0.5
_LONGEST_DELAY_S = 20.0
_LONGEST_ASKED_S = 60.0
"""A registry that wants a longer pause is taken to be gone."""


def is_passing(status: int) -> bool:
    """Return whether an answer may be another one later."""
    return status == _TOO_MANY or status >= _SERVER_ERROR


def pause_s(attempt: int, asked_s: float = 0.0) -> float:
    """Return the seconds before the next attempt, which differ for everybody who waits.

    Args:
        attempt: The one that failed; the first is 1.
        asked_s: The pause that the registry asked for.
    """
    longest = min(_DELAY_S * 2.0 ** (attempt - 1), _LONGEST_DELAY_S)
    return max(asked_s, longest * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def retry_after(headers: Mapping[str, str], *, now: float) -> float:
    """Return the pause that an answer asks for, in seconds (RFC 9110, section 10.2.3).

    Args:
        headers: Of the answer, by lower-case name.
        now: Seconds since 1970.
    """
    given = headers.get("retry-after", "").strip()
    if given.isdecimal():
        return min(float(given), _LONGEST_ASKED_S)
    try:
        asked_s = float(parsedate_to_datetime(given).timestamp()) - now
    except ValueError:
        return 0.0
    return min(max(asked_s, 0.0), _LONGEST_ASKED_S)
