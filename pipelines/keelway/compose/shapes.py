"""How values of compose files look, and the check of a file against it.

A key's shape says which forms its value may have; its standing says what keelway makes of it. Both
come from one table (`keelway.compose.keys`), which the loader obeys and the reference is made from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from keelway.compose.scalars import show
from keelway.compose.tree import Map, Node, Scalar, Seq
from keelway.config.explain import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.problems import Problems
    from keelway.compose.tree import KeyPath, PlainScalar

EXTENSION = "x-"
"""Keys that begin so are the user's own."""

NEWER = "if it is of a newer Compose Specification, keelway does not know it yet"


class Standing(StrEnum):
    """What keelway makes of a key."""

    SUPPORTED = "supported"
    IGNORED = "ignored"
    """With a warning: the service does the same without it, or all but the same."""
    REFUSED = "refused"
    """With an error: without it the service would not do what the file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A single value."""

    kinds: frozenset[type]
    words: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list."""

    item: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A mapping whose keys are the user's own."""

    value: Shape
    names: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A mapping whose keys are the specification's."""

    keys: Mapping[str, Key]
    required: tuple[str, ...] = ()
    extensible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of several shapes, of which each is of another kind."""

    options: tuple[Shape, ...]


Shape = Leaf | ListOf | MapOf | Section | OneOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of the specification."""

    shape: Shape
    standing: Standing = Standing.SUPPORTED
    reason: str = ""
    """Why it is ignored or refused, or what is special about it here."""
    harmless: tuple[str, ...] = field(default=())
    """The values that change nothing: with one of them nobody is warned."""


def supported(shape: Shape, note: str = "") -> Key:
    """Return a key that is done."""
    return Key(shape=shape, reason=note)


def ignored(shape: Shape, reason: str, *harmless: str) -> Key:
    """Return a key that is left out with a warning."""
    return Key(shape=shape, standing=Standing.IGNORED, reason=reason, harmless=harmless)


def refused(shape: Shape, reason: str, *harmless: str) -> Key:
    """Return a key that keelway cannot do, and does not do without."""
    return Key(shape=shape, standing=Standing.REFUSED, reason=reason, harmless=harmless)


def one_of(*options: Shape) -> OneOf:
    """Return a choice of shapes."""
    return OneOf(options=options)


def choice(*choices: str) -> Leaf:
    """Return a text that is one of these."""
    return Leaf(kinds=frozenset({str}), words=f"one of {', '.join(choices)}", choices=choices)


def section(*, needs: tuple[str, ...] = (), **keys: Key) -> Section:
    """Return a mapping with these keys, by which `x-` keys are allowed.

    Args:
        needs: Those that must not be missing.
        keys: All of them, by name.
    """
    return Section(keys=keys, required=needs)


NULL = Leaf(kinds=frozenset({type(None)}), words="nothing")
TEXT = Leaf(kinds=frozenset({str}), words="a text")
FLAG = Leaf(kinds=frozenset({bool, str}), words="true or false")
BOOLEAN = Leaf(kinds=frozenset({bool}), words="true or false")
WHOLE = Leaf(kinds=frozenset({int, str}), words="a whole number")
NUMBER = Leaf(kinds=frozenset({int, float, str}), words="a number")
SIZE = Leaf(kinds=frozenset({int, str}), words="a size: a number of bytes, or one with a unit")
VALUE = Leaf(kinds=frozenset({str, int, float, bool, type(None)}), words="a single value")
TEXTS = ListOf(item=TEXT)
TEXT_OR_TEXTS = one_of(TEXT, TEXTS)
PAIRS = one_of(MapOf(value=VALUE), TEXTS)
NAME = re.compile(r"[a-zA-Z0-9._-]+")
OPTIONS = MapOf(value=VALUE)


def check_shape(node: Node, shape: Shape, path: KeyPath, problems: Problems) -> None:
    """Check a value, and tell of keys that are unknown, ignored or refused.

    Args:
        node: What was written.
        shape: What may be written.
        path: Where it stands.
        problems: Takes errors and notices.
    """
    found = _fitting(node, shape)
    match found, node:
        case ListOf(), Seq():
            for index, item in enumerate(node.items):
                check_shape(item, found.item, (*path, index), problems)
        case MapOf(), Map():
            _check_names(node, found, path, problems)
        case Section(), Map():
            _check_section(node, found, path, problems)
        case Leaf(), Scalar():
            _check_choice(node, found, path, problems)
        case _:
            problems.add(node, path, f"{words(shape)} is expected, not {_kind(node)}")


def _check_names(node: Map, shape: MapOf, path: KeyPath, problems: Problems) -> None:
    for key, value in node.entries.items():
        if shape.names is not None and not shape.names.fullmatch(key):
            text = "a name is of letters, digits, '.', '_' and '-'"
            problems.add(value, (*path, key), text)
        check_shape(value, shape.value, (*path, key), problems)


def _check_choice(node: Scalar, shape: Leaf, path: KeyPath, problems: Problems) -> None:
    said = show(node.value)
    if shape.choices and said not in shape.choices:
        text = f"'{said}' is not one of {', '.join(shape.choices)}"
        problems.add(node, path, text, suggestion=nearest(said, shape.choices))


def words(shape: Shape) -> str:
    """Return what values of the shape are called."""
    match shape:
        case Leaf():
            return shape.words
        case ListOf():
            return "a list"
        case MapOf() | Section():
            return "a mapping"
        case OneOf():
            return " or ".join(dict.fromkeys(words(option) for option in shape.options))


def section_in(shape: Shape) -> Section | None:
    """Return the section that is somewhere in the shape: by itself, in a list or under names."""
    match shape:
        case Leaf():
            return None
        case ListOf():
            return section_in(shape.item)
        case MapOf():
            return section_in(shape.value)
        case Section():
            return shape
        case OneOf():
            return next(filter(None, map(section_in, shape.options)), None)


def _fitting(node: Node, shape: Shape) -> Leaf | ListOf | MapOf | Section | None:
    """Return the shape that is of the node's kind."""
    if isinstance(shape, OneOf):
        return next((one for o in shape.options if (one := _fitting(node, o)) is not None), None)
    match shape, node:
        case Leaf(), Scalar():
            return shape if type(node.value) in shape.kinds else None
        case (ListOf(), Seq()) | ((MapOf() | Section()), Map()):
            return shape
        case _:
            return None


def _check_section(node: Map, shape: Section, path: KeyPath, problems: Problems) -> None:
    for key, value in node.entries.items():
        known = shape.keys.get(key)
        if known is not None:
            _tell_standing(value, known, (*path, key), problems)
            check_shape(value, known.shape, (*path, key), problems)
        elif not (shape.extensible and key.startswith(EXTENSION)):
            near = nearest(key, shape.keys)
            text = "unknown key" if near else f"unknown key ({NEWER})"
            problems.add(value, (*path, key), text, suggestion=near)
    for key in shape.required:
        if key not in node.entries:
            problems.add(node, path, f"the key '{key}' is required, and it is missing")


def _tell_standing(node: Node, key: Key, path: KeyPath, problems: Problems) -> None:
    if key.standing is Standing.SUPPORTED or _is_harmless(node, key):
        return
    if key.standing is Standing.IGNORED:
        problems.notice(node, path, key.reason)
    else:
        problems.add_if_enabled(node, path, f"cannot be done here: {key.reason}")


def _is_harmless(node: Node, key: Key) -> bool:
    match node:
        case Scalar():
            return node.value is None or show(node.value) in key.harmless
        case Seq():
            return not node.items
        case Map():
            return not node.entries


_KINDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a decimal number",
    bool: "true or false",
    type(None): "nothing",
}


def _kind(node: Node) -> str:
    match node:
        case Scalar():
            value: PlainScalar = node.value
            quote = "" if value is None or isinstance(value, str) else ": write it in quotes"
            return _KINDS[type(value)] + (quote if not isinstance(value, bool) else "")
        case Seq():
            return "a list"
        case Map():
            return "a mapping"
