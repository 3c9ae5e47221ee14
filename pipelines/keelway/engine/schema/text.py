"""Text of any length as an answer: what is long stays as it was read until it is sent."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 1 << 20
"""Bytes; text up to here is an ordinary string."""
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class LongText:
    """Much text in UTF-8, of which there is one copy in memory however it is sent."""

    data: bytes

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces; bytes that are no UTF-8 are replaced."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        view = memoryview(self.data)
        for start in range(0, len(view), _PIECE):
            yield decoder.decode(view[start : start + _PIECE])
        yield decoder.decode(b"", final=True)


def text_of(data: bytes) -> str | LongText:
    """Return bytes as text that can be answered; bytes that are no UTF-8 are replaced."""
    return LongText(data) if len(data) > LONG else data.decode("utf-8", "replace")
