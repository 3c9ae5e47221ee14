r"""Regular expressions in JavaScript's written form, which docker/metadata-action's rules use.

Example:
    >>> groups(compile_pattern(r"v(\d.\d.\d)$"), "p1/v1.2.3")
    ('v1.2.3', '1.2.3')
    >>> groups(compile_pattern("/V(.*)/i"), "v1")
    ('v1', '1')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DELIMITED = re.compile(r"/(.+)/(.*)", re.DOTALL)
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "u": re.NOFLAG, "g": re.NOFLAG}


class PatternError(ValueError):
    """Text that is no regular expression."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, and whether every match is asked for instead of the groups of one."""

    compiled: re.Pattern[str]
    everywhere: bool = False


def compile_pattern(text: str, *, delimited: bool = True) -> Pattern:
    """Return the regular expression.

    Args:
        text: The expression; `/expression/flags` too, where it may be delimited.
        delimited: Whether it may.

    Raises:
        PatternError: When it is none, or a flag is unknown.
    """
    found = _DELIMITED.fullmatch(text) if delimited else None
    body, flags = (found[1], found[2]) if found else (text, "")
    unknown = [flag for flag in flags if flag not in _FLAGS]
    if unknown:
        raise PatternError(
            f"unknown flag {unknown[0]!r} in {text!r}: known are {', '.join(_FLAGS)}"
        )
    # JavaScript's \d and \w are ASCII, its $ is the very end, its groups are (?<name>...).
    python = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", body)
    python = re.sub(r"\\k<(\w+)>", r"(?P=\1)", python)
    if "m" not in flags:
        python = re.sub(r"(?<!\\)((?:\\\\)*)\$(?![^\[]*\])", r"\1\\Z", python)
    combined = re.ASCII
    for flag in flags:
        combined |= _FLAGS[flag]
    try:
        return Pattern(re.compile(python, combined), "g" in flags)
    except re.error as error:
        raise PatternError(f"{text!r} is no regular expression: {error}") from error


def groups(pattern: Pattern, text: str) -> tuple[str | None, ...] | None:
    """Return the first match and its groups; with the flag `g` all matches; nothing for none."""
    if pattern.everywhere:
        return tuple(found[0] for found in pattern.compiled.finditer(text)) or None
    found = pattern.compiled.search(text)
    return None if found is None else (found[0], *found.groups())
