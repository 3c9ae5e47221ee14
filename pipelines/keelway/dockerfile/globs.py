r"""The shell's globs inside `${...}`: `*` is any text, `?` one character, `\` escapes these two.

>>> without_prefix("foobarbaz", "f*b", longest=True)
'az'
>>> replace("foobarbaz", "ba", "x", everywhere=True)
'fooxrxz'
"""

from __future__ import annotations

import re

from keelway.dockerfile.errors import SyntaxProblem


def without_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Return the value without the shortest or longest start that matches.

    Raises:
        SyntaxProblem: The pattern escapes a character that needs none.
    """
    match = re.match(_expression(pattern, greedy=longest), value, re.DOTALL)
    return value if match is None else value[match.end() :]


def without_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Return the value without the shortest or longest end that matches.

    Raises:
        SyntaxProblem: The pattern escapes a character that needs none.
    """
    expression = re.compile(_expression(pattern, greedy=True), re.DOTALL)
    starts = range(len(value) + 1)
    for start in starts if longest else reversed(starts):
        if expression.fullmatch(value, start):
            return value[:start]
    return value


def replace(value: str, pattern: str, text: str, *, everywhere: bool) -> str:
    """Return the value with the first match, or every one, replaced.

    Raises:
        SyntaxProblem: The pattern escapes a character that needs none.
    """
    expression = re.compile(_expression(pattern, greedy=True), re.DOTALL)
    return expression.sub(lambda _: text, value, count=0 if everywhere else 1)


def _expression(pattern: str, *, greedy: bool) -> str:
    found: list[str] = []
    characters = iter(pattern)
    for char in characters:
        if char == "*":
            found.append(".*" if greedy else ".*?")
        elif char == "?":
            found.append(".")
        elif char == "\\":
            found.append(re.escape(_escaped(next(characters, ""), pattern)))
        else:
            found.append(re.escape(char))
    return "".join(found)


def _escaped(char: str, pattern: str) -> str:
    if char and char in "*?\\}/":
        return char
    raise SyntaxProblem(f"invalid pattern ({pattern}) in substitution: invalid escape '\\{char}'")
