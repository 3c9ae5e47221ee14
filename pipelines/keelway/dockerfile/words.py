"""How an instruction's line is cut into words; each instruction has its own way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = re.compile(r"\s+")


def keyword(line: str) -> tuple[str, str]:
    """Return the instruction's name in upper case and what follows it."""
    parts = _BLANKS.split(line.strip(), maxsplit=1)
    return parts[0].upper(), parts[1].strip() if len(parts) > 1 else ""


def blank_separated(text: str) -> list[str]:
    """Return the words that blanks part; quotes mean nothing here."""
    return text.split()


def exec_form(text: str) -> tuple[str, ...] | None:
    """Return the words of the JSON form; None when the text is no JSON array.

    Raises:
        SyntaxProblem: It is one, but not all its elements are strings.
    """
    if not text.lstrip().startswith("["):
        return None
    try:
        found: list[object] = json.loads(text)
    except ValueError:
        return None
    words = tuple(word for word in found if isinstance(word, str))
    if len(words) != len(found):
        raise SyntaxProblem(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return words


def split_flags(text: str) -> tuple[list[str], str]:
    """Return the leading `--flag` words, without their quotes, and what follows them.

    Raises:
        SyntaxProblem: A quote in a flag is not closed.
    """
    flags: list[str] = []
    rest = text.lstrip()
    while rest.startswith("--"):
        flag, rest = _flag(rest)
        if flag == "--":
            break
        flags.append(flag)
    return flags, rest


def _flag(text: str) -> tuple[str, str]:
    word = ""
    end = 0
    quote_open = False
    for piece in _pieces(text, "\\"):
        end += len(piece.raw)
        quote_open = piece.quoted
        if piece.raw.isspace() and not piece.quoted:
            break
        word += piece.plain
    if quote_open:
        raise SyntaxProblem(f"a quote in a flag is not closed: {word}")
    return word, text[end:].lstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    raw: str
    plain: str
    """Without the quote or the escape."""
    quoted: bool
    """Inside quotes; the closing quote is not."""


def _pieces(text: str, escape: str) -> Iterator[_Piece]:
    """Yield characters, an escape together with the one it is for."""
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'" and at + 1 < len(text):
            yield _Piece(raw=text[at : at + 2], plain=text[at + 1], quoted=bool(quote))
            at += 2
            continue
        at += 1
        plain = char
        if quote and char == quote:
            quote = plain = ""
        elif not quote and char in "'\"":
            quote, plain = char, ""
        yield _Piece(raw=char, plain=plain, quoted=bool(quote))


def quoted_words(text: str, escape: str) -> list[str]:
    """Return words that blanks part unless they are quoted or escaped; quotes stay in them."""
    found = [""]
    for piece in _pieces(text, escape):
        if piece.raw.isspace() and not piece.quoted:
            found.append("")
        else:
            found[-1] += piece.raw
    return [word for word in found if word]


def name_values(text: str, instruction: str, escape: str) -> list[tuple[str, str]]:
    """Return the pairs of `NAME=value ...`, or of the old form `NAME value`.

    Raises:
        SyntaxProblem: A name has no value.
    """
    words = quoted_words(text, escape)
    if not words:
        raise SyntaxProblem(f"{instruction} requires at least one argument")
    if "=" not in words[0]:
        parts = _BLANKS.split(text.strip(), maxsplit=1)
        if len(parts) == 1:
            raise SyntaxProblem(f"{instruction} must have two arguments")
        return [(parts[0], parts[1])]
    pairs: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise SyntaxProblem(
                f"syntax error - can't find = in {word!r}. Must be of the form: name=value"
            )
        if not name:
            raise SyntaxProblem(f"{instruction} names can not be blank")
        pairs.append((name, value))
    return pairs
