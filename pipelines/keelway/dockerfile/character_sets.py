"""The `[...]` of file patterns as Go's `filepath.Match` reads them: `.dockerignore`, COPY.

>>> expression_of("[a-c]x", 0)
('[a-c]', 5)
>>> expression_of("[^xy]", 0)
('[^xy]', 5)
"""

from __future__ import annotations

import re


def expression_of(pattern: str, at: int) -> tuple[str, int]:
    """Return the regular expression of the set that begins at `at`, and where the pattern goes on.

    Raises:
        ValueError: It is no set; the message tells why.
    """
    at += 1
    negated = pattern[at : at + 1] == "^"
    at += negated
    items: list[str] = []
    while pattern[at : at + 1] != "]" or not items:
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in {"", "]"}:
            high, at = _member(pattern, at + 1)
        if high < low:
            raise ValueError("a range is none")
        items.append(re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}")
    return f"[{'^' if negated else ''}{''.join(items)}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    """Return a character of a set, and where the set goes on."""
    at += pattern[at : at + 1] == "\\"
    if at >= len(pattern):
        raise ValueError("a '[' has no ']'")
    return pattern[at], at + 1
