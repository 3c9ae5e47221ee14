"""Patterns of `glob`: those of Docker's ignore files, each held against whole paths.

>>> matches = glob("src/**/*.py")
>>> matches("src/a/b.py"), matches("src/a")
(True, False)
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

_WILD = re.compile(r"[*?\[\]\\]")


def glob(pattern: str) -> Callable[[str], bool]:
    r"""Return whether a relative path matches.

    `*` and `?` stay inside one part, `**/` spans any parts, `[...]` is a set, `\` takes the next
    character as it is. A pattern that begins with `/` or `!` matches nothing.

    Raises:
        EngineError: It is no pattern.
    """
    bare = pattern.strip()
    if not bare:
        raise EngineError("failed to create glob pattern matcher: empty pattern")
    bare = posixpath.normpath(bare)
    if bare.startswith("!"):
        return lambda _: False
    try:
        return re.compile(_expression(bare), re.DOTALL).fullmatch  # type: ignore[return-value]  # a match is as good as true
    except (re.error, ValueError):
        raise EngineError(
            f"failed to create glob pattern matcher: syntax error in pattern: {pattern}"
        ) from None


def _expression(pattern: str) -> str:
    """Return the pattern as a regular expression.

    Raises:
        ValueError: A `[` has no `]`.
    """
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            is_slash = pattern.startswith("/", at)
            at += is_slash
            rest = pattern[at:]
            # Before plain text `**` alone is any beginning, elsewhere it is whole parts.
            begins = len(out) == 0 and not is_slash and not _WILD.search(rest)
            out += ".*" if not rest or begins else "(?:.*/)?"
        elif char == "[":
            body, at = _set(pattern, at)
            out += body
        elif char == "\\" and at < len(pattern):
            out, at = out + re.escape(pattern[at]), at + 1
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
    return out


def _set(pattern: str, at: int) -> tuple[str, int]:
    """Return the set that begins before `at`, and where it ends."""
    end = pattern.index("]", at + 1)
    body = pattern[at:end].replace("[", "\\[")
    for double in ("--", "&&", "||", "~~"):  # kept for set operations to come
        body = body.replace(double, f"{double[0]}\\{double[0]}")
    return f"[{body}]", end + 1
