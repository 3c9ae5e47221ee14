"""Plain values of queries: variables of a file, JSON, errors, addresses, parts of the store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """Variables as a file has them: names with values not unquoted or expanded yet."""

    raw: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    """Further ones that can only be referred to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JSONValue:
    """A value, as JSON."""

    text: str = "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorValue:
    """Something known of an error; `value` is JSON."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """An error that a pipeline makes."""

    message: str
    values: tuple[ErrorValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A text that names something elsewhere, as people give it on a command line."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """A part of the store; times in nanoseconds since 1970."""

    name: str
    description: str
    size: int
    created: int
    used: int
    active: bool
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntries:
    """All parts of the store at one time."""

    entries: tuple[CacheEntry, ...]
