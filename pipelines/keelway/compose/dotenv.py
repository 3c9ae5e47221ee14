r"""`.env` files and `env_file`, by the rules of Compose.

One variable a line, `NAME=value` or `NAME: value`, `export` before it or not; `#` begins a comment
at the start of a line or behind a space. Values without quotes and in double quotes are
interpolated, those in double quotes know the escapes of a shell, those in quotes may hold line
breaks, and a name alone takes the variable over from outside.

Example:
    >>> parse_dotenv('A=1 # one\nexport B="$A\\n2"\nC=\'$A\'\nD: d', {})
    {'A': '1', 'B': '1\n2', 'C': '$A', 'D': 'd'}
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.compose.template import TemplateError, substitute

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLANK = re.compile(r"(?:\s|#[^\n]*(?:\n|\Z))*")
_EXPORT = re.compile(r"export[^\S\n]+")
_KEY = re.compile(r"(?P<name>[^\n=:]*)(?P<end>[=:]|\n|\Z)[^\S\n]*")
_NAME = re.compile(r"[\w.\-\[\]]+")
_UNQUOTED = re.compile(r"(?P<value>[^\n]*)(?:\n|\Z)")
_QUOTED = {
    '"': re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'(?P<value>(?:[^'\\]|\\.)*)'", re.DOTALL),
}
_ESCAPE = re.compile(r"\\(?:[abcfnrtv$\"\\]|0\d{0,3})")
_ESCAPED = {
    "\\a": "\a",
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
    "\\v": "\v",
    '\\"': '"',
    "\\\\": "\\",
    # What interpolation makes a `$` of.
    "\\$": "$$",
}
_OCTAL_DIGITS = 3


class DotenvError(ValueError):
    """A line that is wrong."""

    def __init__(self, line: int, text: str) -> None:
        """Keep the line, counted from 1, and what is wrong with it."""
        super().__init__(text)
        self.line = line


@dataclass(slots=True)
class _Parser:
    text: str
    outside: Mapping[str, str]
    at: int = 0
    values: dict[str, str] = field(default_factory=dict[str, str])

    def run(self) -> None:
        """Read all of it."""
        self.skip(_BLANK)
        while self.at < len(self.text):
            self.line()
            self.skip(_BLANK)

    def line(self) -> None:
        """Read one variable."""
        start = self.at
        self.skip(_EXPORT)
        key = _KEY.match(self.text, self.at)
        name = "" if key is None else key["name"].strip()
        if key is None or _NAME.fullmatch(name) is None:
            shown = self.text[start:].partition("\n")[0]
            raise self.error(start, f"'{shown}' has no variable's name before = or :")
        self.at = key.end()
        if key["end"] in {"=", ":"}:
            self.values[name] = self.value()
        elif name in self.outside:
            self.values[name] = self.outside[name]

    def value(self) -> str:
        """Read a value, and what is behind it on its line when it has no quotes."""
        start = self.at
        form = _QUOTED.get(self.text[start : start + 1])
        if form is None:
            found = self.skip(_UNQUOTED)
            return self.expanded(found.partition(" #")[0].rstrip(), start)
        quoted = form.match(self.text, start)
        if quoted is None:
            raise self.error(start, "the quote is not closed")
        self.at = quoted.end()
        quote = self.text[start]
        inside = quoted["value"].replace(f"\\{quote}", quote)
        return inside if quote == "'" else self.expanded(_ESCAPE.sub(_unescaped, inside), start)

    def expanded(self, text: str, start: int) -> str:
        """Return the text with its variables; those from outside go first."""
        try:
            return substitute(text, {**self.values, **self.outside})
        except TemplateError as error:
            raise self.error(start, str(error)) from error

    def skip(self, form: re.Pattern[str]) -> str:
        """Step over what has the form, and return it."""
        found = form.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found.groupdict().get("value", found[0])

    def error(self, at: int, text: str) -> DotenvError:
        return DotenvError(self.text.count("\n", 0, at) + 1, text)


def parse_dotenv(text: str, outside: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the text, in its order.

    Args:
        text: The file's content.
        outside: What is set already: it wins in interpolation, and gives the names without value.

    Raises:
        DotenvError: With the line that is wrong.
    """
    parser = _Parser(text.removeprefix("\ufeff"), outside)
    parser.run()
    return parser.values


def _unescaped(found: re.Match[str]) -> str:
    escape = found[0]
    if not escape.startswith("\\0"):
        return _ESCAPED.get(escape, escape)
    digits = escape[2:]
    # As in Go: three octal digits or it is no escape.
    if len(digits) != _OCTAL_DIGITS or set(digits) & {"8", "9"}:
        return escape
    return chr(int(digits, 8) & 0xFF)
