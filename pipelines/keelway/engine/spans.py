"""What telemetry is made of: ids of spans, spans that are over, and what commands wrote.

Example:
    >>> ids = SpanIds.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    >>> ids.origin
    '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VERSION: Final = "00"
_SAMPLED: Final = 1
_LENGTHS: Final = (2, 32, 16, 2)

_PARENT: ContextVar[str] = ContextVar("keelway_traceparent", default="")


def set_parent(traceparent: str) -> None:
    """Make this header (or nothing) the parent of what the calling thread's context begins."""
    _PARENT.set(traceparent)


def current_parent() -> str:
    """Return what `set_parent` was given in this context; empty where it was not called."""
    return _PARENT.get()


class SpanIds(NamedTuple):
    """Where a span is: its trace, itself, and the flags that its children inherit."""

    trace: int
    span: int
    flags: int = _SAMPLED

    @classmethod
    def parse(cls, traceparent: str) -> SpanIds | None:
        """Return what a `traceparent` says; None when it says nothing that is valid.

        By W3C Trace Context, section 3.2: versions to come may have more fields.
        """
        fields = traceparent.strip().split("-")
        if len(fields) < len(_LENGTHS) or (fields[0] == _VERSION and len(fields) != len(_LENGTHS)):
            return None
        known = fields[: len(_LENGTHS)]
        if fields[0] == "ff" or not all(map(_is_hex, known, _LENGTHS)):
            return None
        ids = cls(trace=int(fields[1], 16), span=int(fields[2], 16), flags=int(fields[3], 16))
        return ids if ids.trace and ids.span else None

    def child(self) -> SpanIds:
        """Return the ids of a new span of the same trace."""
        return SpanIds(trace=self.trace, span=new_id(64), flags=self.flags)

    @property
    def origin(self) -> str:
        """Return the ids as an error names them: `TRACE-SPAN`."""
        return f"{self.trace:032x}-{self.span:016x}"


class Span(NamedTuple):
    """A span that is over."""

    name: str
    ids: SpanIds
    parent: SpanIds | None
    begun_ns: int
    ended_ns: int
    attributes: Mapping[str, str | bool | Sequence[str]]
    error: str | None


class Written(NamedTuple):
    """What a command wrote, in one piece."""

    ids: SpanIds
    at_ns: int
    stream: str
    text: str


def new_id(bits: int) -> int:
    """Return a random id; zero is no valid one."""
    return int.from_bytes(os.urandom(bits // 8), "big") or 1


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and all(char in "0123456789abcdef" for char in text)
