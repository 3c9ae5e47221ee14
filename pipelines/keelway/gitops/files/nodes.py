"""YAML as values with their places in the text; what a parser makes of it, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class FileProblemError(ValueError):
    """A file cannot be changed as asked; says why, and at which line."""


@dataclass(eq=False, slots=True, kw_only=True)
class Node:
    """A value: text, a mapping or a list. One that an alias repeats is the same object."""

    start: int
    """Characters before it: before its anchor and its tag, where it has some."""
    end: int
    """Characters before what follows it; before the next value for a mapping or list of lines."""
    line: int
    """The line that it begins on, counted from 1."""
    column: int
    """Characters before it on that line."""
    text: str | None = None
    """What a scalar says."""
    in_braces: bool = False
    """Whether a mapping or list stands in braces or brackets."""
    pairs: tuple[tuple[Node, Node], ...] = field(default=())
    """Keys and values of a mapping."""
    items: tuple[Node, ...] = ()
    """What a list holds."""
    is_list: bool = False

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is written where the value would stand."""
        return self.text is not None and self.start == self.end

    def pair(self, key: str) -> tuple[Node, Node] | None:
        """Return a key of a mapping with its value; nothing when it has no such key.

        Raises:
            FileProblemError: When it has it twice.
        """
        found = [one for one in self.pairs if one[0].text == key]
        if len(found) > 1:
            raise FileProblemError(f"line {found[1][0].line}: {key} is there twice")
        return found[0] if found else None

    def get(self, key: str) -> Node | None:
        """Return what a mapping has under a key; nothing when it has no such key."""
        found = self.pair(key)
        return None if found is None else found[1]


def documents(text: str) -> tuple[Node, ...]:
    """Return the root of each document of a file; empty documents are left out.

    Raises:
        FileProblemError: When it is not YAML.
    """
    parser: Any = YAML(typ="rt", pure=True)
    try:
        return tuple(_node(root, {}) for root in parser.compose_all(text) if root is not None)
    except YAMLError as error:
        raise FileProblemError(f"it is not YAML: {' '.join(str(error).split())}") from error


def _node(parsed: Any, known: dict[int, Node]) -> Node:
    if id(parsed) in known:
        return known[id(parsed)]
    mark: Any = parsed.start_mark
    node = Node(
        start=int(mark.index),
        end=int(parsed.end_mark.index),
        line=int(mark.line) + 1,
        column=int(mark.column),
    )
    known[id(parsed)] = node  # first of all: a list may hold itself
    if parsed.id == "scalar":
        node.text = str(parsed.value)
        return node
    node.in_braces = bool(parsed.flow_style)
    node.is_list = parsed.id == "sequence"
    if node.is_list:
        node.items = tuple(_node(item, known) for item in cast("list[Any]", parsed.value))
    else:
        both = cast("list[tuple[Any, Any]]", parsed.value)
        node.pairs = tuple((_node(key, known), _node(value, known)) for key, value in both)
    return node
