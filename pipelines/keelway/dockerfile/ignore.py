r"""The `.dockerignore` file: what of a build context is left out.

Patterns are relative to the context's root. `*` and `?` stay inside one path component, `[a-z]` is
a set, `**` spans any number of components, a backslash takes the next character as it is. A pattern
that matches a folder matches everything in it. `!` takes back what earlier lines matched; the last
line that matches decides.

    >>> ignored = IgnoreFile.parse("**/*.md\n!README.md\nbuild\n")
    >>> [ignored.matches(path) for path in ("docs/a.md", "README.md", "build/x/y")]
    [True, False, True]
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from keelway.dockerfile import character_sets
from keelway.dockerfile.errors import Location, Source, SyntaxProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnorePattern:
    """One line of an ignore file."""

    text: str
    """Cleaned, without the `!`."""
    negative: bool
    expression: re.Pattern[str]
    line: int

    @classmethod
    def of(cls, text: str, *, negative: bool = False, line: int = 0) -> IgnorePattern:
        """Return the pattern that a cleaned text is.

        Raises:
            SyntaxProblem: It is malformed.
        """
        return cls(text=text, negative=negative, expression=_expression(text), line=line)

    def matches(self, path: str) -> bool:
        """Say whether a path, or a folder above it, is what the pattern names."""
        return any(self.expression.fullmatch(part) for part in _with_parents(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreFile:
    """The patterns of a file, in order."""

    patterns: tuple[IgnorePattern, ...] = ()

    @classmethod
    def parse(cls, text: str, name: str = ".dockerignore") -> IgnoreFile:
        """Return the patterns of an ignore file.

        Raises:
            DockerfileError: A pattern is malformed.
        """
        source = Source(text=text, name=name)
        patterns: list[IgnorePattern] = []
        for number, line in enumerate(source.lines(), start=1):
            try:
                pattern = _pattern(line, number)
            except SyntaxProblem as problem:
                where = Location(line=number, end_line=number)
                raise source.error(str(problem), where) from None
            if pattern is not None:
                patterns.append(pattern)
        return cls(patterns=tuple(patterns))

    def lines(self) -> tuple[str, ...]:
        """Return the cleaned patterns, as a matcher that knows the same rules takes them."""
        return tuple(f"{'!' if one.negative else ''}{one.text}" for one in self.patterns)

    def matches(self, path: str) -> bool:
        """Say whether a path, relative to the context and with `/`, is left out."""
        clean = posixpath.normpath(path).lstrip("/")
        if clean == ".":
            return False
        ignored = False
        for pattern in self.patterns:
            if pattern.negative == ignored and pattern.matches(clean):
                ignored = not pattern.negative
        return ignored


def _pattern(line: str, number: int) -> IgnorePattern | None:
    """Return a line's pattern; None for comments and empty lines."""
    if line.startswith("#") or not line.strip():
        return None
    text = line.strip()
    negative = text.startswith("!")
    if negative:
        text = text[1:].strip()
        if not text:
            raise SyntaxProblem('illegal exclusion pattern: "!"')
    text = posixpath.normpath(text)
    if len(text) > 1:
        text = text.lstrip("/")
    if text == ".":
        # The root itself is never left out: Docker ignores this line as well.
        return None
    return IgnorePattern.of(text, negative=negative, line=number)


def _with_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _expression(pattern: str) -> re.Pattern[str]:
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            piece, at = _double_star(pattern, at)
        elif char == "[":
            try:
                inside, at = character_sets.expression_of(pattern, at)
            except ValueError as error:
                raise SyntaxProblem(f"syntax error in pattern: {pattern}: {error}") from error
            piece = f"(?!/){inside}"
        elif char == "\\":
            if at + 1 >= len(pattern):
                raise SyntaxProblem(f"syntax error in pattern: {pattern} ends in a backslash")
            piece, at = re.escape(pattern[at + 1]), at + 2
        else:
            piece, at = {"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char), at + 1
        found.append(piece)
    return re.compile("".join(found), re.DOTALL)


def _double_star(pattern: str, at: int) -> tuple[str, int]:
    """Return the expression of a `**`, which takes a slash behind it along."""
    at += 2
    if pattern.startswith("/", at):
        at += 1
    return (".*" if at >= len(pattern) else "(?:.*/)?"), at
