"""A value of a compose file with its path, and the ways in which it can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from keelway.compose.paths import absolute
from keelway.compose.scalars import show
from keelway.compose.sizes import parse_duration, parse_size
from keelway.compose.tree import Map, Node, Scalar, Seq
from keelway.compose.words import WordsError, split_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.compose.problems import Problems
    from keelway.compose.project import Place
    from keelway.compose.tree import KeyPath

_YES = frozenset({"true", "yes", "on", "y"})
_NO = frozenset({"false", "no", "off", "n"})
_T = TypeVar("_T")
_WHOLE = re.compile(r"[-+]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at a path, if anything does; its shape was checked before."""

    node: Node | None
    path: KeyPath
    problems: Problems
    near: Node
    """The node itself, or the one around it where there is none: what errors point at."""

    @classmethod
    def at(cls, node: Node, path: KeyPath, problems: Problems) -> Value:
        """Return a value that is there."""
        return cls(node, path, problems, node)

    @property
    def place(self) -> Place:
        """Where it stands, or what is around it."""
        return self.near.place

    @property
    def is_there(self) -> bool:
        """Whether something was said: null is nothing."""
        return self.node is not None and not (
            isinstance(self.node, Scalar) and self.node.value is None
        )

    def get(self, *keys: str) -> Value:
        """Return what is under the keys, one inside the other."""
        found = self
        for key in keys:
            node = found.node.entries.get(key) if isinstance(found.node, Map) else None
            found = Value(node, (*found.path, key), self.problems, node or found.near)
        return found

    def items(self) -> list[Value]:
        """Return the items of a list; a single value is a list of one."""
        if isinstance(self.node, Seq):
            return [
                Value.at(item, (*self.path, index), self.problems)
                for index, item in enumerate(self.node.items)
            ]
        return [self] if self.is_there and isinstance(self.node, Scalar) else []

    def entries(self) -> dict[str, Value]:
        """Return the values of a mapping by key; a list of names gives names without values."""
        if isinstance(self.node, Map):
            return {key: self.get(key) for key in self.node.entries}
        return {
            item.text() or "": Value(None, item.path, self.problems, item.near)
            for item in self.items()
        }

    def own_entries(self) -> dict[str, Value]:
        """Return the values whose keys are not the user's extensions."""
        return {key: value for key, value in self.entries().items() if not key.startswith("x-")}

    def error(self, text: str) -> None:
        """Tell of something that is wrong whether or not the service is switched on."""
        self.problems.add(self.near, self.path, text)

    def error_if_enabled(self, text: str) -> None:
        """Tell of something that is wrong when the service is switched on."""
        self.problems.add_if_enabled(self.near, self.path, text)

    def text(self) -> str | None:
        """Return it as a text."""
        return show(self.node.value) if isinstance(self.node, Scalar) and self.is_there else None

    def texts(self) -> tuple[str, ...]:
        """Return a list, or a single value, as texts."""
        return tuple(item.text() or "" for item in self.items())

    def flag(self) -> bool | None:
        """Return whether it says yes or no."""
        said = self.text()
        if said is None:
            return None
        if said.lower() in _YES | _NO:
            return said.lower() in _YES
        self.error(f"'{said}' is neither true nor false")
        return None

    def whole(self) -> int | None:
        """Return it as a whole number."""
        return self._parsed(_read_whole, "is no whole number")

    def number(self) -> float | None:
        """Return it as a number."""
        return self._parsed(_read_number, "is no number")

    def mode(self) -> int | None:
        """Return permissions: a text is octal, a number was written so."""
        if isinstance(self.node, Scalar) and isinstance(self.node.value, int):
            return self.node.value
        return self._parsed(lambda said: int(said.removeprefix("0o"), 8), "is no octal number")

    def size(self) -> int | None:
        """Return it as bytes."""
        return self._parsed(parse_size, "is no size: write 512, 64m or 1.5gb")

    def duration_s(self) -> float | None:
        """Return it as seconds."""
        return self._parsed(parse_duration, "is no duration: write 30s, 1m30s or 500ms")

    def words(self) -> tuple[str, ...] | None:
        """Return a command: a list as it is, a text split as a shell would."""
        if not self.is_there or not isinstance(self.node, Scalar):
            return self.texts() if self.is_there else None
        try:
            words, rest = split_words(self.text() or "")
        except WordsError as error:
            self.error(str(error))
            return None
        if rest:
            text = f"no shell runs this: what begins with '{rest[0]}' is left out, as Compose does"
            self.problems.notice(self.near, self.path, text)
        return words

    def pairs(self) -> dict[str, str | None]:
        """Return `NAME=value` items, or a mapping, as texts; nothing where only a name stands."""
        if isinstance(self.node, Map):
            return {key: value.text() for key, value in self.entries().items()}
        found: dict[str, str | None] = {}
        for item in self.texts():
            name, equals, value = item.partition("=")
            found[name] = value if equals else None
        return found

    def filled_pairs(self) -> dict[str, str]:
        """Return pairs, where a name alone takes the variable of that name, if it is set."""
        environment = self.near.origin.environment
        filled = {
            name: environment.get(name) if value is None else value
            for name, value in self.pairs().items()
        }
        return {name: value for name, value in filled.items() if value is not None}

    def absolute_path(self) -> Path | None:
        """Return it as an absolute path."""
        said = self.text()
        return None if said is None else self.path_of(said)

    def path_of(self, written: str) -> Path:
        """Return the absolute path that a text means here."""
        return absolute(written, self.near.origin)

    def _parsed(self, parse: Callable[[str], _T], wrong: str) -> _T | None:
        said = self.text()
        if said is None:
            return None
        try:
            return parse(said)
        except (ValueError, OverflowError):
            self.error(f"'{said}' {wrong}")
            return None


def _read_whole(said: str) -> int:
    if not _WHOLE.fullmatch(said):
        raise ValueError(said)
    return int(said)


def _read_number(said: str) -> float:
    if not said[:1].isascii() or said[:1].isalpha() or "_" in said or said != said.strip():
        raise ValueError(said)
    return float(said)
