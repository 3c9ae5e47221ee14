r"""Variables in a Dockerfile: `$NAME`, `${NAME}` and the shell's modifiers of it.

Known are `${V:-word}`, `${V-word}`, `${V:+word}`, `${V+word}`, `${V:?text}`, `${V?text}`,
`${V#glob}`, `${V##glob}`, `${V%glob}`, `${V%%glob}`, `${V/glob/text}` and `${V//glob/text}`. Quotes
and escapes are removed as a shell would remove them; single quotes keep `$` from being read.

    >>> Expander({"NAME": "world"}).word('"hello $NAME" ${ELSE:-none}')
    'hello world none'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.globs import replace, without_prefix, without_suffix

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[0-9]+|[@*#?$!-]|\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A part of the result; only text that was not quoted is split at its blanks."""

    text: str
    quoted: bool


@dataclass(slots=True)
class Expander:
    """Replaces variables by their values."""

    values: Mapping[str, str]
    escape: str = "\\"
    quotes: bool = True
    """False for the text of heredocs, where a quote is just a character."""
    missing: set[str] = field(default_factory=set)
    """Names that were asked for and have no value."""

    def word(self, text: str) -> str:
        """Return the text with variables replaced, and quotes and escapes removed.

        Raises:
            SyntaxProblem: A quote or brace is not closed, or a modifier is unknown.
        """
        if not any(char in text for char in ("$", "'", '"', self.escape)):
            return text  # most of them
        return "".join(piece.text for piece in self._pieces(text))

    def words(self, text: str) -> list[str]:
        """Return what `word` gives, split at blanks that were not quoted.

        Raises:
            SyntaxProblem: A quote or brace is not closed, or a modifier is unknown.
        """
        found: list[str] = []
        current = ""
        for piece in self._pieces(text):
            if piece.quoted:
                current += piece.text
                continue
            for part in re.split(r"(\s+)", piece.text):
                if not part.isspace():
                    current += part
                elif current:
                    found.append(current)
                    current = ""
        return [*found, current] if current else found

    def _pieces(self, text: str) -> list[_Piece]:
        try:
            return _Reader(text, self).pieces("", raw=False)
        except SyntaxProblem as problem:
            raise SyntaxProblem(f"failed to process {text!r}: {problem}") from None

    def get(self, name: str) -> str | None:
        """Return a variable's value; None, and a note of the name, where it has none."""
        found = self.values.get(name)
        if found is None:
            self.missing.add(name)
        return found


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str, expander: Expander) -> None:
        self._text = text
        self._at = 0
        self._expander = expander

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def pieces(self, stop: str, *, raw: bool) -> list[_Piece]:
        """Return what stands before an unquoted `stop`; with `raw`, escapes stay in the text."""
        found: list[_Piece] = []
        while char := self._peek():
            if stop and char == stop:
                self._at += 1
                return found
            if char == "$":
                found.append(_Piece(text=self._dollar(), quoted=False))
            elif self._expander.quotes and char in "'\"":
                found.append(_Piece(text=self._quoted(raw=raw), quoted=True))
            elif char == self._expander.escape:
                found.append(_Piece(text=self._escaped(raw=raw), quoted=True))
            else:
                found.append(_Piece(text=self._next(), quoted=False))
        if stop:
            raise SyntaxProblem(f"syntax error: missing {stop!r}")
        return found

    def _text_until(self, stop: str, *, raw: bool) -> str:
        return "".join(piece.text for piece in self.pieces(stop, raw=raw))

    def _escaped(self, *, raw: bool) -> str:
        escape, char = self._next(), self._next()
        return escape + char if raw else char

    def _quoted(self, *, raw: bool) -> str:
        if self._next() == "'":
            end = self._text.find("'", self._at)
            if end < 0:
                raise SyntaxProblem("a single quote (') is not closed")
            start, self._at = self._at, end + 1
            return self._text[start:end]
        found = ""
        while (char := self._peek()) != '"':
            if not char:
                raise SyntaxProblem('a double quote (") is not closed')
            found += self._dollar() if char == "$" else self._in_double_quotes(raw=raw)
        self._at += 1
        return found

    def _in_double_quotes(self, *, raw: bool) -> str:
        """Return a character; inside double quotes only three can be escaped."""
        char = self._next()
        if char != self._expander.escape:
            return char
        kept = char if raw else ""
        after = self._peek()
        if after in {'"', "$", self._expander.escape}:
            return kept + self._next()
        return kept + char if after else kept

    # --- variables ----------------------------------------------------------------------------

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return (self._expander.get(name) or "") if name else "$"
        self._at += 1
        if self._peek() in {"{", "}", ":"}:
            raise SyntaxProblem("syntax error: bad substitution")
        name = self._name()
        modifier = self._next()
        match modifier:
            case "":
                raise SyntaxProblem("syntax error: missing '}'")
            case "}":
                return self._expander.get(name) or ""
            case "/":
                return self._replaced(name)
            case "#" | "%":
                return self._trimmed(name, modifier)
            case _:
                return self._chosen(name, modifier)

    def _chosen(self, name: str, modifier: str) -> str:
        """Return what `-`, `+` and `?` choose, with or without the `:` that minds emptiness."""
        minds_empty = modifier == ":"
        operator = self._next() if minds_empty else modifier
        if operator not in {"-", "+", "?"}:
            shown = f":{operator}" if minds_empty else operator
            raise SyntaxProblem(f"unsupported modifier ({shown}) in substitution")
        word = self._text_until("}", raw=False)
        value = self._expander.get(name)
        usable = value is not None and not (minds_empty and not value)
        if operator == "-":
            return (value or "") if usable else word
        if operator == "+":
            return word if usable else ""
        if not usable:
            state = "unset" if value is None else "empty"
            raise SyntaxProblem(f"{name}: {word or f'is not allowed to be {state}'}")
        return value or ""

    def _trimmed(self, name: str, modifier: str) -> str:
        pattern = self._text_until("}", raw=True)
        longest = pattern.startswith(modifier)
        trim = without_prefix if modifier == "#" else without_suffix
        value = self._expander.get(name) or ""
        return trim(value, pattern.removeprefix(modifier), longest=longest)

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        self._at += everywhere
        pattern = self._text_until("/", raw=True)
        text = self._text_until("}", raw=True)
        value = self._expander.get(name) or ""
        return replace(value, pattern, text, everywhere=everywhere)
