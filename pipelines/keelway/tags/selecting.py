r"""Tags selected by shell patterns or regular expressions, and told apart in sets.

Example:
    >>> compile_selector("develop-*").set_of("develop-1a2b3c4")
    ()
    >>> compile_selector(r"/^(.+)-[0-9a-f]{7}$/").set_of("fix-1-1a2b3c4")
    ('fix-1',)
    >>> compile_selector("develop-*").set_of("staging") is None
    True
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass

from keelway.tags.patterns import PatternError, compile_pattern

_DELIMITED = re.compile(r"/.+/[a-z]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selector:
    """What selects tags."""

    text: str
    """As it is written."""
    compiled: re.Pattern[str]

    def set_of(self, tag: str) -> tuple[str, ...] | None:
        """Return which set a tag belongs to; nothing when it is not selected."""
        found = self.compiled.search(tag)
        return None if found is None else tuple(part or "" for part in found.groups())


def compile_selector(text: str) -> Selector:
    """Return what selects tags: `/expression/`, else a shell pattern.

    Raises:
        PatternError: The expression is none.
    """
    if _DELIMITED.fullmatch(text):
        return Selector(text, compile_pattern(text).compiled)
    if text.startswith("/"):
        raise PatternError(f"{text!r}: an expression ends with a slash too")
    return Selector(text, re.compile(rf"\A{fnmatch.translate(text)}"))
