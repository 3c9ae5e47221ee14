"""What the worker tells about a text. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

MAX_CHARACTERS = 100_000
WORDS_A_MINUTE = 200
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[.!?…]+(?:\s|$)")


class InvalidText(ValueError):
    """Somebody handed in what is no text; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What is in a text."""

    words: int
    sentences: int
    reading_seconds: int
    frequent: tuple[tuple[str, int], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "sentences": self.sentences,
            "reading_seconds": self.reading_seconds,
            "frequent": [list(pair) for pair in self.frequent],
        }


def check_text(text: object) -> str:
    """Return the text, without the white space around it.

    Raises:
        InvalidText: It is empty, too long, or no text at all.
    """
    if not isinstance(text, str):
        raise InvalidText("text: a string is required")
    text = text.strip().replace("\x00", "")
    if not text:
        raise InvalidText("text: it is empty")
    if len(text) > MAX_CHARACTERS:
        raise InvalidText(f"text: it has more than {MAX_CHARACTERS} characters")
    return text


def analyse(text: str) -> Analysis:
    """Count words and sentences; of words that are equally frequent the first one goes before."""
    words = [word.casefold() for word in _WORD.findall(text)]
    return Analysis(
        words=len(words),
        sentences=max(len(_SENTENCE.findall(text)), 1 if words else 0),
        reading_seconds=-(-len(words) * 60 // WORDS_A_MINUTE),
        frequent=tuple(Counter(words).most_common(5)),
    )
