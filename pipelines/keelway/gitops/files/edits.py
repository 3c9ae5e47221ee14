r"""YAML changed where a value stands: every other byte stays as it is.

A parser says where nodes are; what is between them, comments and blank lines too, is not its
business, so nothing is written anew.

Example:
    >>> from keelway.gitops.files.nodes import documents
    >>> text = "image: 'a:1'  # ours\n"
    >>> [root] = documents(text)
    >>> apply_edits(text, set_value(text, root.pairs[0], "a:2"))
    "image: 'a:2'  # ours\n"
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.gitops.files.nodes import FileProblemError, Node

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A piece of text that takes the place of another one."""

    start: int
    """Characters before it."""
    end: int
    """Characters before what follows it."""
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with each edit made.

    Those that insert at one place are made in the order given; one that is given twice, as by an
    alias, is made once.

    Raises:
        FileProblemError: When two of them are of one place.
    """
    pieces: list[str] = []
    at = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda one: one.start):
        if edit.start < at:
            raise FileProblemError("two images would be written to one place")
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def replaced(text: str, node: Node, value: str) -> Edit:
    """Return the edit that gives a scalar another value in the same quotes.

    Raises:
        FileProblemError: When it is no scalar, or stands in a block of lines.
    """
    if node.text is None:
        raise FileProblemError(f"line {node.line}: text is expected here")
    properties = _PROPERTIES.match(text, node.start, node.end)
    start = node.start if properties is None else properties.end()
    style = text[start : start + 1]
    if style in {"|", ">"}:
        raise FileProblemError(f"line {node.line}: write the value on one line")
    return Edit(start=start, end=node.end, text=written(value, style))


def set_value(text: str, of: tuple[Node, Node], value: str) -> Iterator[Edit]:
    """Yield the edit that gives a key of a mapping another value, where it has not that one.

    Raises:
        FileProblemError: When what it has is no scalar, or stands in a block of lines.
    """
    key, node = of
    if node.is_empty:
        # A value that is not written has no place of its own.
        at = text.index(":", key.end) + 1
        yield Edit(start=at, end=at, text=f" {written(value)}")
    elif node.text != value:
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


def inserted_pair(text: str, mapping: Node, after: tuple[Node, Node], key: str, value: str) -> Edit:
    """Return the edit that adds a key to a mapping, behind another one of it."""
    name, _ = after
    if mapping.in_braces:
        quotes = text[name.start]
        at = _end(after)
        return Edit(start=at, end=at, text=f", {written(key, quotes)}: {written(value, quotes)}")
    at = line_end(text, _end(after))
    indent = " " * name.column
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
    if node.text is not None or node.in_braces:
        return node.end
    last = [_end(one) for one in node.pairs[-1:]] + [end_of(item) for item in node.items[-1:]]
    return last[0] if last else node.start


def _end(of: tuple[Node, Node]) -> int:
    key, value = of
    # A value that an alias repeats stands elsewhere.
    stands_here = not value.is_empty and value.start >= key.end
    return end_of(value) if stands_here else end_of(key)
