"""The `--flags` of an instruction, checked against those that it knows."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names of the flags that an instruction has, by what they take."""

    texts: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    """Flags that may be given several times."""

    @property
    def all(self) -> frozenset[str]:
        """Return every name."""
        return self.texts | self.booleans | self.lists


@dataclass(slots=True)
class Flags:
    """The flags that were given."""

    texts: dict[str, str] = field(default_factory=dict)
    booleans: dict[str, bool] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a flag's text."""
        return self.texts.get(name, default)

    def is_set(self, name: str) -> bool:
        """Say whether a flag is given and not `false`."""
        return self.booleans.get(name, False)

    def many(self, name: str) -> tuple[str, ...]:
        """Return all values of a flag that may be repeated."""
        return tuple(self.lists.get(name, ()))


def parse_flags(words: Sequence[str], known: Known) -> Flags:
    """Return the flags, sorted by kind.

    Raises:
        SyntaxProblem: A flag is unknown, given twice, or has a value it can't have.
    """
    flags = Flags()
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if name not in known.all:
            raise SyntaxProblem(f"unknown flag: --{name}{did_you_mean(name, known.all, '--')}")
        if name in flags.texts or name in flags.booleans:
            raise SyntaxProblem(f"duplicate flag specified: --{name}")
        if name in known.booleans:
            flags.booleans[name] = _boolean(name, value if equals else "true")
        elif not equals:
            raise SyntaxProblem(f"missing a value on flag: --{name}")
        elif name in known.lists:
            flags.lists.setdefault(name, []).append(value)
        else:
            flags.texts[name] = value
    return flags


def _boolean(name: str, value: str) -> bool:
    lowered = value.lower()
    if lowered not in {"true", "false"}:
        raise SyntaxProblem(f"expecting boolean value for flag --{name}, not: {value}")
    return lowered == "true"


def did_you_mean(name: str, known: frozenset[str] | set[str], prefix: str = "") -> str:
    """Return a remark that names the nearest known word, or nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {prefix}{near[0]}?)" if near else ""
