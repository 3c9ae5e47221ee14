r"""Plain data as YAML for people: comments, literal blocks, and nothing that surprises. Pure.

PyYAML writes no comments. What is written here reads back as the same data, by YAML 1.1 and 1.2.

Example:
    >>> print(to_yaml({"# Why": None, "on": {"push": None}, "run": "a\nb\n", "list": ["x: y"]}))
    # Why
    on:
      push:
    run: |
      a
      b
    list:
      - 'x: y'
    <BLANKLINE>
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Node: TypeAlias = "Mapping[str, Any] | Sequence[Any] | str | float | bool | None"
"""What can be written; a key that begins with `# ` is a comment above what follows it."""

# A word for true in YAML 1.1 alone, which every CI reads as a key.
_KEY_OF_EVENTS = "on"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_STEP = "  "


class Told(str):
    """A text with a comment behind it."""

    __slots__ = ("comment",)
    comment: str

    def __new__(cls, text: str, *, comment: str) -> Self:
        """Return the text; the comment is one line."""
        made = super().__new__(cls, text)
        made.comment = comment
        return made


def to_yaml(node: Node) -> str:
    """Return a document, with a line end at its end."""
    return "\n".join(_lines(node, "")) + "\n"


def _lines(node: Node, indent: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        yield from _mapping(node, indent)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        yield from _sequence(node, indent)
    else:
        yield f"{indent}{_scalar(node)}"


def _mapping(node: Mapping[str, Node], indent: str) -> Iterator[str]:
    for key, value in node.items():
        if key.startswith("# "):
            yield f"{indent}{key}"
            continue
        name = key if key == _KEY_OF_EVENTS else _scalar(key)
        yield from _entry(f"{indent}{name}:", value, indent)


def _sequence(node: Sequence[Node], indent: str) -> Iterator[str]:
    for value in node:
        if _is_block(value):
            lines = list(_lines(value, indent + _STEP))
            # Comments above the first key stand above the dash.
            while lines[0].lstrip().startswith("#"):
                yield indent + lines.pop(0).lstrip()
            yield f"{indent}- {lines[0].lstrip()}"
            yield from lines[1:]
        else:
            yield from _entry(f"{indent}-", value, indent)


def _entry(start: str, value: Node, indent: str) -> Iterator[str]:
    """Yield a value behind what begins its line."""
    if _is_block(value):
        yield start
        yield from _lines(value, indent + _STEP)
    elif isinstance(value, str) and "\n" in value:
        yield f"{start} |"
        for line in value.rstrip("\n").split("\n"):
            yield f"{indent}{_STEP}{line}" if line else ""
    else:
        yield f"{start} {_scalar(value)}".rstrip()


def _is_block(value: Node) -> bool:
    return bool(value) and isinstance(value, Mapping | Sequence) and not isinstance(value, str)


def _scalar(value: Node) -> str:
    if value is None:
        return ""
    if isinstance(value, Told):
        return f"{_scalar(str(value))} # {value.comment}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text: str = yaml.safe_dump(value, width=10**6, default_flow_style=True)
    return text.removesuffix("...\n").rstrip("\n")
