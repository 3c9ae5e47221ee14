"""Env files as a shell would read them, one assignment a line, in any order.

>>> Dotenv({"NAME": "world", "SAID": '"hello $NAME"'}).get("SAID")
'hello world'

A value without quotes, backslashes and references is taken as it stands, a `#` and all. In any
other, words are split and joined by one space, and what is referred to must have a value: in the
file, or by `lookup`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELL: Final = re.compile(r"[`\"'\\]|\$[A-Za-z_{(]")
_OPERATOR: Final = re.compile(r":?[-=+?]")
_IN_QUOTES: Final = frozenset('$`"\\\n')
_ENDS: Final = frozenset(";&\n")
_NO_ASSIGNMENT: Final = frozenset("|<>()")


def _nothing(_: str) -> str:
    return ""


class Dotenv:
    """Variables whose values are found out when they are asked for."""

    def __init__(self, raw: Mapping[str, str], lookup: Callable[[str], str] = _nothing) -> None:
        """Take values as they are written; `lookup` gives those of names that are not there.

        Raises:
            EngineError: A line is no assignment.
        """
        self._raw = raw
        self._lookup = lookup
        self._found: dict[str, str] = {}
        self._expanding: set[str] = set()
        for name, text in raw.items():
            if not _NAME.fullmatch(name):
                raise EngineError(f'parse error: "{name}={text}": not a bare assignment')

    def get(self, name: str) -> str:
        """Return a variable's value; the name must be there.

        Raises:
            EngineError: What it refers to has no value, or only by itself.
        """
        if name not in self._found:
            text = self._raw[name]
            self._expanding.add(name)
            try:
                plain = not _SHELL.search(text)
                self._found[name] = text if plain else _Line(text, self._value).words()
            except EngineError as error:
                raise EngineError(f"{name}: {error}") from error
            finally:
                self._expanding.discard(name)
        return self._found[name]

    def _value(self, name: str) -> str:
        """Return what a reference stands for, empty where it has no value."""
        if name not in self._raw:
            return self._lookup(name)
        if name in self._expanding:
            return ""
        try:
            return self.get(name)
        except EngineError:
            return ""


class _Line:
    """One value, read from left to right."""

    def __init__(self, text: str, value: Callable[[str], str]) -> None:
        self._text = text
        self._value = value
        self._at = 0
        self._fields: list[str] = []
        self._word: str | None = None
        """The word so far; None between words."""

    def words(self) -> str:
        """Return the words with a space between them."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in _ENDS or (char == "#" and self._word is None):
                break
            self._at += 1
            if char in _NO_ASSIGNMENT:
                raise EngineError(f'parse error: "{self._text}": not a bare assignment')
            if char.isspace():
                self._end_word()
            elif not self._literal(char):
                found = self._reference(char)
                self._add(char) if found is None else self._split(found)
        self._end_word()
        return " ".join(self._fields)

    def _literal(self, char: str) -> bool:
        """Add what is quoted or escaped by `char`, which was just read; say whether anything is."""
        if char == "'":
            self._add(self._until("'"))
        elif char == '"':
            self._quoted()
        elif char == "\\":
            self._add(self._text[self._at : self._at + 1])
            self._at += 1
        else:
            return False
        return True

    def _add(self, text: str) -> None:
        self._word = (self._word or "") + text

    def _end_word(self) -> None:
        if self._word is not None:
            self._fields.append(self._word)
        self._word = None

    def _split(self, text: str) -> None:
        """Add a value that stood without quotes: white space in it ends words."""
        for part in re.split(r"([ \t\n]+)", text):
            if part.isspace():
                self._end_word()
            elif part:
                self._add(part)

    def _quoted(self) -> None:
        self._add("")
        while True:
            if self._at >= len(self._text):
                raise EngineError('reached EOF without closing quote "')
            char = self._text[self._at]
            self._at += 1
            if char == '"':
                return
            if char == "\\" and self._text[self._at : self._at + 1] in _IN_QUOTES:
                self._add(self._text[self._at : self._at + 1])
                self._at += 1
            else:
                found = self._reference(char)
                self._add(char if found is None else found)

    def _until(self, end: str) -> str:
        start, self._at = self._at, self._text.find(end, self._at) + 1
        if not self._at:
            raise EngineError(f"reached EOF without closing quote {end}")
        return self._text[start : self._at - 1]

    def _reference(self, char: str) -> str | None:
        """Return the value of what begins with `char`, which was just read; None for plain text.

        Raises:
            EngineError: It has no value, or is a command.
        """
        rest = self._text[self._at : self._at + 1]
        if char == "`" or (char == "$" and rest == "("):
            raise EngineError("unexpected command substitution")
        if char != "$":
            return None
        if rest == "{":
            self._at += 1
            return self._braces()
        name = _NAME.match(self._text, self._at)
        if name is None:
            return None
        self._at = name.end()
        return self._bound(name[0])

    def _bound(self, name: str) -> str:
        value = self._value(name)
        if not value:
            raise EngineError(f"{name}: unbound variable")
        return value

    def _braces(self) -> str:
        """Return the value of `${NAME}`, or with an operator and a word after the name."""
        inner = self._inner()
        name = _NAME.match(inner)
        operator = None if name is None else _OPERATOR.match(inner, name.end())
        if name is None or (operator is None and name.end() < len(inner)):
            raise EngineError(f"${{{inner}}}: only :- - := = :+ + :? and ? are known after a name")
        if operator is None:
            return self._bound(name[0])
        value, word = self._value(name[0]), inner[operator.end() :]
        if operator[0][-1] == "+":
            return _Line(word, self._value).words() if value else ""
        if value:
            return value
        if operator[0][-1] == "?":
            raise EngineError(f"{name[0]}: {word or 'parameter not set'}")
        return _Line(word, self._value).words()

    def _inner(self) -> str:
        """Return what is in braces, which may have others in it."""
        start, depth = self._at, 1
        while depth:
            if self._at >= len(self._text):
                raise EngineError("reached EOF without matching ${ with }")
            char = self._text[self._at]
            depth += (char == "{") - (char == "}")
            self._at += 1
        return self._text[start : self._at - 1]
