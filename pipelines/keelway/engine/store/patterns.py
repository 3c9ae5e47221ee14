"""Include and exclude patterns as Docker knows them.

A pattern is a path of components: `*` and `?` stay inside one component, `[a-z]` is a set of
characters, `**` spans any number of components, a leading `!` takes back what patterns before it
matched. The last pattern that matches decides. A pattern that matches a directory matches all that
is in it.

    >>> Patterns(["src/**/*.py", "!src/generated"]).matches("src/a/b.py")
    True
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    text: str
    negative: bool
    expression: re.Pattern[str] | None
    """None for a pattern without wildcards, which is compared as text."""
    literal: str
    """The leading components that have no wildcard."""

    def matches(self, path: str) -> bool:
        if self.expression is None:
            return path == self.text or path.startswith(self.text + "/")
        return self.expression.match(path) is not None

    def may_match_below(self, directory: str) -> bool:
        """Say whether something below a directory could match."""
        if not self.literal:
            return True
        return _inside(self.literal, directory) or _inside(directory, self.literal)


class Patterns:
    """A list of patterns, applied in order."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns; empty lines are nothing.

        Raises:
            EngineError: A pattern is malformed.
        """
        self._patterns = [_compile(text) for text in patterns if text.strip()]
        self.empty = not self._patterns
        self._negatives = [pattern for pattern in self._patterns if pattern.negative]

    def matches(self, path: str) -> bool:
        """Say whether a path (relative, with `/`) or a directory above it is matched."""
        matched = False
        for pattern in self._patterns:
            if pattern.negative == matched and pattern.matches(path):
                matched = not pattern.negative
        return matched

    def may_match_below(self, directory: str) -> bool:
        """Say whether a pattern could match something below a directory that itself does not."""
        return any(
            not pattern.negative and pattern.may_match_below(directory)
            for pattern in self._patterns
        )

    def may_spare_below(self, directory: str) -> bool:
        """Say whether `!` patterns could take something back below a matched directory."""
        return any(pattern.may_match_below(directory) for pattern in self._negatives)


class Selection:
    """What of a tree is taken: includes first, then excludes, which win."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Compile both lists; no includes means everything."""
        self._include = Patterns(include)
        self._exclude = Patterns(exclude)
        self.everything = self._include.empty and self._exclude.empty

    def takes(self, path: str) -> bool:
        """Say whether a path itself is taken."""
        if not self._include.empty and not self._include.matches(path):
            return False
        return self._exclude.empty or not self._exclude.matches(path)

    def enters(self, path: str) -> bool:
        """Say whether a directory can have something in it that is taken."""
        if (
            not self._include.empty
            and not self._include.matches(path)
            and not self._include.may_match_below(path)
        ):
            return False
        if self._exclude.empty or not self._exclude.matches(path):
            return True
        return self._exclude.may_spare_below(path)


def _compile(text: str) -> _Pattern:
    pattern = text.strip()
    negative = pattern.startswith("!")
    if negative:
        pattern = pattern[1:].strip()
        if not pattern:
            raise EngineError('illegal exclusion pattern: "!"')
    pattern = posixpath.normpath(pattern).lstrip("/")
    wild = any(char in pattern for char in "*?[\\")
    literal: list[str] = []
    for part in pattern.split("/"):
        if any(char in part for char in "*?[\\"):
            break
        literal.append(part)
    return _Pattern(
        text=pattern,
        negative=negative,
        expression=_expression(pattern, text) if wild else None,
        literal="/".join(literal),
    )


def _expression(pattern: str, shown: str) -> re.Pattern[str]:
    """Return the expression for a pattern; it matches what is below a match as well."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
            out.append(".*" if at >= len(pattern) else "(?:.*/)?")
            continue
        if char == "[":
            piece, at = _set(pattern, at, shown)
            out.append(piece)
            continue
        if char == "\\":
            at += 1
            char = pattern[at : at + 1] or "\\"
            out.append(re.escape(char))
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char))
        at += 1
    return re.compile("".join(out) + r"(?:/.*)?\Z", re.DOTALL)


def _set(pattern: str, at: int, shown: str) -> tuple[str, int]:
    """Return the expression for a `[...]` and where it ends."""
    end = at + 1
    negated = pattern[end : end + 1] in {"^", "!"}
    end += negated
    first = end
    while end < len(pattern) and (pattern[end] != "]" or end == first):
        end += 2 if pattern[end] == "\\" else 1
    if end >= len(pattern):
        raise EngineError(f"syntax error in pattern: {shown!r} has a '[' without a ']'")
    body = pattern[first:end].replace("[", "\\[").replace("&&", "&\\&").replace("||", "|\\|")
    body = body.replace("--", "-\\-").replace("~~", "~\\~")  # kept for set operations to come
    try:
        re.compile(f"[{body}]")
    except re.error:
        raise EngineError(f"syntax error in pattern: {shown!r} has no such range") from None
    return f"(?!/)[{'^' if negated else ''}{body}]", end + 1


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + "/")
