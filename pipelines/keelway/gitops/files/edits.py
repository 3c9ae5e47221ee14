r"""YAML changed where a value stands: every other byte stays as it is.

A parser says where nodes are; what is between them, comments and blank lines too, is not its
business, so nothing is written anew.

Example:
    >>> text = "image: 'a:1'  # ours\n"
    >>> [root] = documents(text)
    >>> [(_, node)] = root.value
    >>> apply_edits(text, [replaced(text, node, "a:2")])
    "image: 'a:2'  # ours\n"
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What stands before a value and belongs to it: an anchor, a tag.
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
# Never read as anything but text, in YAML 1.1 and 1.2, within flow collections too.
_PLAIN = re.compile(
    r"[A-Za-z][\w./@-]*(?::[\w./@-]+)*|[\w.-]+(?::\d+)?/[\w./@-]+(?::[\w./@-]+)*"
    r"|\d+\.\d+\.\d+[\w.-]*"
)
_NO_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


class FileProblemError(ValueError):
    """A file cannot be changed as asked; says why, and at which line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A piece of text that takes the place of another one."""

    start: int
    """Characters before it."""
    end: int
    """Characters before what follows it."""
    text: str


def documents(text: str) -> tuple[Node, ...]:
    """Return the root of each document of a file; empty documents are left out.

    Raises:
        FileProblemError: When it is not YAML.
    """
    try:
        found = cast("Iterable[Node | None]", YAML(typ="rt", pure=True).compose_all(text))
        return tuple(root for root in found if root is not None)
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise FileProblemError(f"it is not YAML: {reason}") from error


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with each edit made.

    Those that insert at one place are made in the order given; one that is given twice, as by an
    alias, is made once.
    """
    pieces: list[str] = []
    at = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda one: one.start):
        if edit.start < at:
            raise FileProblemError("two images would be written to one place")
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def pairs(node: Node) -> tuple[tuple[ScalarNode, Node], ...]:
    """Return the keys and values of a mapping in their order; nothing for anything else."""
    if not isinstance(node, MappingNode):
        return ()
    found = cast("list[tuple[Node, Node]]", node.value)
    return tuple((key, value) for key, value in found if isinstance(key, ScalarNode))


def items(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a sequence in their order; nothing for anything else."""
    return tuple(cast("list[Node]", node.value)) if isinstance(node, SequenceNode) else ()


def pair(node: Node, key: str) -> tuple[ScalarNode, Node] | None:
    """Return a key of a mapping with its value; nothing when it has no such key.

    Raises:
        FileProblemError: When it has it twice.
    """
    found = [(name, value) for name, value in pairs(node) if name.value == key]
    if len(found) > 1:
        raise FileProblemError(f"line {line_of(found[1][0])}: {key} is there twice")
    return found[0] if found else None


def value_of(node: Node, key: str) -> Node | None:
    """Return what a mapping has under a key; nothing when it has no such key."""
    found = pair(node, key)
    return None if found is None else found[1]


def text_of(node: Node | None) -> str | None:
    """Return what a scalar says; nothing for anything else."""
    if not isinstance(node, ScalarNode):
        return None
    said = cast("object", node.value)
    return said if isinstance(said, str) else None


def line_of(node: Node) -> int:
    """Return the line that a node begins on, counted from 1."""
    return int(node.start_mark.line) + 1


def is_flow(node: Node) -> bool:
    """Return whether a mapping or sequence stands in braces or brackets."""
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def is_empty(node: Node) -> bool:
    """Return whether nothing is written where the value would stand."""
    return isinstance(node, ScalarNode) and node.start_mark.index == node.end_mark.index


def replaced(text: str, node: Node, value: str) -> Edit:
    """Return the edit that gives a scalar another value in the same quotes.

    Raises:
        FileProblemError: When it is no scalar, or stands in a block of lines.
    """
    if not isinstance(node, ScalarNode):
        raise FileProblemError(f"line {line_of(node)}: text is expected here")
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    properties = _PROPERTIES.match(text, start, end)
    start = start if properties is None else properties.end()
    style = text[start : start + 1]
    if style in {"|", ">"}:
        raise FileProblemError(f"line {line_of(node)}: write the value on one line")
    return Edit(start=start, end=end, text=written(value, style))


def set_value(text: str, of: tuple[ScalarNode, Node], value: str) -> Iterator[Edit]:
    """Yield the edit that gives a key of a mapping another value, where it has not that one.

    Raises:
        FileProblemError: When what it has is no scalar, or stands in a block of lines.
    """
    key, node = of
    if is_empty(node):
        # A value that is not written has no place of its own.
        at = text.index(":", int(key.end_mark.index)) + 1
        yield Edit(start=at, end=at, text=f" {written(value)}")
    elif text_of(node) != value:
        yield replaced(text, node, value)


def written(value: str, quotes: str = "") -> str:
    """Return a value as YAML writes it.

    Args:
        value: One line of text.
        quotes: Those to prefer; without any, it has some only where it needs them.
    """
    if quotes == "'":
        return "'" + value.replace("'", "''") + "'"
    is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NO_TEXT
    return value if is_plain and quotes != '"' else json.dumps(value, ensure_ascii=False)


def inserted_pair(
    text: str, mapping: Node, after: tuple[ScalarNode, Node], key: str, value: str
) -> Edit:
    """Return the edit that adds a key to a mapping, behind another one of it."""
    name, there = after
    if is_flow(mapping):
        quotes = text[name.start_mark.index]
        shown = (written(key, quotes), written(value, quotes))
        at = _end(after)
        return Edit(start=at, end=at, text=f", {shown[0]}: {shown[1]}")
    at = line_end(text, _end((name, there)))
    indent = " " * int(name.start_mark.column)
    return Edit(start=at, end=at, text=f"{newline(text)}{indent}{key}: {written(value)}")


def line_end(text: str, at: int) -> int:
    """Return where the line ends that a place is on, before the characters that end it."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end


def newline(text: str) -> str:
    """Return what ends the lines of a file."""
    return "\r\n" if "\r\n" in text else "\n"


def end_of(node: Node) -> int:
    """Return where a node ends: behind its last value, before comments that follow."""
    if isinstance(node, ScalarNode) or is_flow(node):
        return int(node.end_mark.index)
    last = [_end(one) for one in pairs(node)[-1:]] + [end_of(item) for item in items(node)[-1:]]
    return last[0] if last else int(node.start_mark.index)


def _end(of: tuple[Node, Node]) -> int:
    key, value = of
    return end_of(key) if is_empty(value) else max(end_of(key), end_of(value))
