"""Interpolation: `$NAME`, `${NAME}` and its forms with defaults, alternatives and errors.

Example:
    >>> substitute("${HOST:-localhost}:${PORT-80} costs $$1", {"PORT": "8080"})
    'localhost:8080 costs $1'
    >>> substitute("${USER+--user $USER}${DEBUG:+ -v}", {"USER": "ann", "DEBUG": ""})
    '--user ann'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR = re.compile(r":?[-+?]")
_BRACES = re.compile(r"[{}]")


class TemplateError(ValueError):
    """A text that cannot be interpolated; says why."""


@dataclass(slots=True)
class Variables:
    """What variables are worth, and which were asked for in vain."""

    values: Mapping[str, str]
    missing: list[str] = field(default_factory=list[str])
    """Those that are set nowhere, and for which nothing else was said."""


def substitute(text: str, variables: Mapping[str, str] | Variables) -> str:
    """Return the text with its variables filled in.

    Args:
        text: What was written.
        variables: The values by name.

    Raises:
        TemplateError: When a form is wrong, or a variable that is required has no value.
    """
    known = variables if isinstance(variables, Variables) else Variables(variables)
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        value, at = _one(text, dollar, known)
        parts.append(value)
    return "".join([*parts, text[at:]])


def _one(text: str, dollar: int, variables: Variables) -> tuple[str, int]:
    """Return what the `$` at the position stands for, and where the text goes on."""
    after = text[dollar + 1 : dollar + 2]
    if after == "$":
        return "$", dollar + 2
    if after == "{":
        end = _closing(text, dollar + 2)
        if end is None:
            raise _invalid(text)
        return _braced(text[dollar + 2 : end], text, variables), end + 1
    name = _NAME.match(text, dollar + 1)
    if name is None:
        # What can be no variable is none: `^done$`, `$1`.
        return "$", dollar + 1
    return _value(name[0], variables), name.end()


def _closing(text: str, at: int) -> int | None:
    """Return where the brace ends that was opened before the position."""
    depth = 1
    for brace in _BRACES.finditer(text, at):
        depth += 1 if brace[0] != "}" else -1
        if depth == 0:
            return brace.start()
    return None


def _braced(inside: str, text: str, variables: Variables) -> str:
    """Return what `${…}` stands for."""
    name = _NAME.match(inside)
    if name is None:
        raise _invalid(text)
    if name.end() == len(inside):
        return _value(name[0], variables)
    operator = _OPERATOR.match(inside, name.end())
    if operator is None:
        raise _invalid(text)
    value = variables.values.get(name[0])
    # With a colon, an empty value counts as none.
    is_there = value is not None and (value != "" or not operator[0].startswith(":"))
    word = inside[operator.end() :]
    if operator[0].endswith("+"):
        return substitute(word, variables) if is_there else value or ""
    if is_there:
        return value or ""
    if operator[0].endswith("-"):
        return substitute(word, variables)
    reason = substitute(word, variables)
    raise TemplateError(
        f"the variable {name[0]} is required and has no value" + (f": {reason}" if reason else "")
    )


def _value(name: str, variables: Variables) -> str:
    value = variables.values.get(name)
    if value is None and name not in variables.missing:
        variables.missing.append(name)
    return value or ""


def _invalid(text: str) -> TemplateError:
    shown = text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 -- a line's width
    return TemplateError(
        f"'{shown}' cannot be interpolated: write $$ for a $ that is meant as such"
    )
