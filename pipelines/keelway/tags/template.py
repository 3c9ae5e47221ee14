"""Templates with expressions in double braces: as much of Handlebars as tag rules need.

Values are escaped as Handlebars does it, unless they stand in three braces.

Example:
    >>> [call] = calls("nightly-{{date 'YYYYMMDD' tz='Asia/Tokyo'}}")
    >>> call.name, call.arguments, dict(call.options)
    ('date', ('YYYYMMDD',), {'tz': 'Asia/Tokyo'})
    >>> render("v{{major}}", lambda call: {"major": "1"}[call.name])
    'v1'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EXPRESSION = re.compile(
    r"\{\{\{\s*(?P<plain>[^{}]*?)\s*\}\}\}|\{\{~?\s*(?P<escaped>[^{}]*?)\s*~?\}\}"
)
_WORD = re.compile(r"""(?:(\w+)=)?(?:'([^']*)'|"([^"]*)"|([^\s'"=]+))(?=\s|$)""")
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#x27;",
    "`": "&#x60;",
    "=": "&#x3D;",
}
_ESCAPED = re.compile("[&<>\"'`=]")


class TemplateError(ValueError):
    """A template that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One expression: a name with what follows it."""

    text: str
    """As it is written between the braces."""
    name: str
    arguments: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    bare: bool = False
    """Whether an argument stands without quotes: to Handlebars that is a name, and no text."""


def calls(template: str) -> tuple[Call, ...]:
    """Return the expressions of a template, in their order.

    Raises:
        TemplateError: When braces do not match, or what is between them cannot be read.
    """
    left = _EXPRESSION.sub("", template)
    if "{{" in left or "}}" in left:
        raise TemplateError(
            f"{template!r} has an expression that is not closed: write {{{{name}}}}"
        )
    return tuple(_call(found) for found in _EXPRESSION.finditer(template))


def handlebars(text: str) -> str:
    """Return a value as Handlebars escapes it for HTML."""
    return _ESCAPED.sub(lambda character: _ESCAPES[character[0]], text)


def render(
    template: str, value: Callable[[Call], str], *, escape: Callable[[str], str] = handlebars
) -> str:
    """Return the template with each expression replaced by its value.

    Args:
        template: The text.
        value: What an expression stands for; it raises whatever it cannot tell.
        escape: What is done to a value, unless it stands in three braces.

    Raises:
        TemplateError: When the template cannot be read.
    """
    calls(template)
    return _EXPRESSION.sub(lambda found: _value(found, value, escape), template)


def is_only(template: str, name: str) -> bool:
    """Return whether a template is one expression of that name and nothing else."""
    found = _EXPRESSION.fullmatch(template)
    return found is not None and _call(found).text == name


def _value(found: re.Match[str], value: Callable[[Call], str], escape: Callable[[str], str]) -> str:
    text = value(_call(found))
    return text if found["plain"] is not None else escape(text)


def _call(found: re.Match[str]) -> Call:
    text = found["escaped"] if found["plain"] is None else found["plain"]
    words = list(_WORD.finditer(text))
    if not words or " ".join(word[0] for word in words) != " ".join(text.split()):
        raise TemplateError(
            f"the expression {{{{{text}}}}} cannot be read: write {{{{name}}}}, or"
            " {{name 'argument' option='value'}}"
        )
    name, *rest = words
    named = {word[1]: _text(word) for word in rest if word[1]}
    positional = tuple(_text(word) for word in rest if not word[1])
    bare = any(word[4] is not None for word in rest)
    return Call(text=text, name=_text(name), arguments=positional, options=named, bare=bare)


def _text(word: re.Match[str]) -> str:
    return next(part for part in word.groups()[1:] if part is not None)
