"""What a YAML document says, every value with the place where it stands.

The values are never changed: merging, extending and interpolating give new ones, so that anchors
and extended services share theirs. A value knows the file it came from, and by that the folder
that its relative paths are relative to and the variables that its `environment` is filled from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.compose.project import Place

PlainScalar = str | int | float | bool | None
Plain = PlainScalar | list["Plain"] | dict[str, "Plain"]
KeyPath = tuple[str | int, ...]
Directive = Literal["reset", "override"]
"""The tags by which a file takes away or replaces what earlier files say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A file as it is read: once for itself, once for each file that includes or extends it."""

    file: Path
    """Absolute."""
    shown: Path
    """As errors name it."""
    folder: Path
    """Absolute: what its relative paths are relative to."""
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text, a number, true, false or null."""

    value: PlainScalar
    place: Place
    origin: Origin
    directive: Directive | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seq:
    """A list."""

    items: tuple[Node, ...]
    place: Place
    origin: Origin
    directive: Directive | None = None

    def with_items(self, items: tuple[Node, ...]) -> Seq:
        """Return the list with other items."""
        return replace(self, items=items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A mapping; a value's place is the line of its key."""

    entries: Mapping[str, Node]
    place: Place
    origin: Origin
    directive: Directive | None = None

    def with_entries(self, entries: Mapping[str, Node]) -> Map:
        """Return the mapping with other entries."""
        return replace(self, entries=entries)

    def without(self, *keys: str) -> Map:
        """Return the mapping without these keys."""
        return self.with_entries({k: v for k, v in self.entries.items() if k not in keys})


Node = Scalar | Seq | Map


def is_null(node: Node | None) -> bool:
    """Return whether there is nothing: no value, or null."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def text_at(near: Node, value: PlainScalar) -> Scalar:
    """Return a value that stands where another one does."""
    return Scalar(value=value, place=near.place, origin=near.origin)


def plain(node: Node) -> Plain:
    """Return the value without its places."""
    match node:
        case Scalar():
            return node.value
        case Seq():
            return [plain(item) for item in node.items]
        case Map():
            return {key: plain(value) for key, value in node.entries.items()}


def same(one: Node, other: Node) -> bool:
    """Return whether both say the same: equal values of the same types."""
    match one, other:
        case Scalar(), Scalar():
            return type(one.value) is type(other.value) and one.value == other.value
        case Seq(), Seq():
            return len(one.items) == len(other.items) and all(
                same(mine, theirs) for mine, theirs in zip(one.items, other.items, strict=True)
            )
        case Map(), Map():
            return one.entries.keys() == other.entries.keys() and all(
                same(mine, other.entries[key]) for key, mine in one.entries.items()
            )
        case _:
            return False


def child(node: Node | None, *path: str) -> Node | None:
    """Return what is under the keys, one inside the other; nothing where one is not there."""
    for key in path:
        if not isinstance(node, Map):
            return None
        node = node.entries.get(key)
    return node


def items_of(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a list; none of anything else."""
    return node.items if isinstance(node, Seq) else ()
