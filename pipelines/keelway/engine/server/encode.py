"""Answers as JSON; long text in them is encoded while it is sent, and never held as a whole."""

from __future__ import annotations

import json
import secrets
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from keelway.engine.schema.text import LongText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class LongBody:
    """The body of an answer with long text in it."""

    def __init__(self, parts: Sequence[bytes | LongText]) -> None:
        """Keep JSON with text between it; the text is encoded once more to know the length."""
        self._parts = parts
        self.size = sum(len(piece) for piece in self)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes to send."""
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
                continue
            yield b'"'
            for piece in part.pieces():
                yield encode_basestring_ascii(piece)[1:-1].encode()
            yield b'"'


def encode(answer: Mapping[str, Any]) -> bytes | LongBody:
    """Return an answer as JSON."""
    texts: list[LongText] = []
    mark = secrets.token_hex(16)

    def stand_in(value: object) -> str:
        if not isinstance(value, LongText):
            raise TypeError(f"{type(value).__name__} cannot be part of an answer")
        texts.append(value)
        return mark

    whole = json.dumps(answer, separators=(",", ":"), default=stand_in).encode()
    if not texts:
        return whole
    first, *rest = whole.split(b'"' + mark.encode() + b'"')
    parts: list[bytes | LongText] = [first]
    for text, after in zip(texts, rest, strict=True):
        parts += [text, after]
    return LongBody(parts)
