"""Secrets taken out of output while it streams."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = b"***"


class Scrubber:
    r"""Replaces values in a stream, also where one is cut in two by a chunk's end.

    >>> scrub = Scrubber([b"hunter2"])
    >>> scrub.feed(b"pass: hun") + scrub.feed(b"ter2\n") + scrub.end()
    b'pass: ***\n'
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        """Scrub these values and their whitespace-trimmed forms; empty ones do not count."""
        values = {form for secret in secrets for form in (secret, secret.strip()) if form}
        ordered = sorted(values, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(value) for value in ordered))
        self._values = ordered
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be said of the stream so far: all but the start of a possible secret."""
        if not self._values:
            return data
        text = self._held + data
        sure = self._sure(text)
        self._held = text[sure:]
        return self._pattern.sub(MASK, text[:sure])

    def end(self) -> bytes:
        """Return what was held back."""
        held, self._held = self._held, b""
        return self._pattern.sub(MASK, held) if self._values else held

    def _sure(self, text: bytes) -> int:
        """Return how much of the text no longer depends on what follows.

        An end that begins a secret is not sure, and neither is a secret that such an end is a part
        of: it may yet turn out to be the beginning of a longer one.
        """
        sure = len(text) - self._possible(text)
        for found in self._pattern.finditer(text):
            if found.start() < sure < found.end():
                return found.start()
        return sure

    def _possible(self, text: bytes) -> int:
        """Return the length of the longest end of `text` that begins a secret, but is none yet."""
        longest = min(len(text), len(self._values[0]) - 1)
        tail = text[len(text) - longest :]
        for start in range(len(tail)):
            if any(
                len(value) > len(tail) - start and value.startswith(tail[start:])
                for value in self._values
            ):
                return len(tail) - start
        return 0
