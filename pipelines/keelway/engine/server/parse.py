"""A quick parser for the queries that SDKs send: one anonymous query of fields with literals.

    parse('{ container { from(address: "alpine:3.20") { id } } }')

A chain of 300 calls is read without recursion and at a hundredth of the cost of graphql-core's
parser and validation. Everything else in the language (variables, named fragments, directives,
several operations) and everything wrong is answered with None: then graphql-core reads it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from keelway.engine.schema.coerce import EnumName
from keelway.engine.server.syntax import FieldNode, FragmentNode

if TYPE_CHECKING:
    from keelway.engine.server.syntax import Node

# A string's closing quote must not be followed by another one: that is a block string.
_TOKEN = re.compile(
    r"""
    [\s,\ufeff]*+(?:
      (?P<name>[A-Za-z_][A-Za-z0-9_]*+)
    | (?P<punctuation>\.\.\.|[{}()\[\]:])
    | (?P<string>"(?!"")[^"\\\n\r]*+(?:\\["\\/bfnrtu][^"\\\n\r]*+)*+")
    | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![\w.]))
    | (?P<end>\Z)
    )
    """,
    re.VERBOSE,
)
_CONSTANTS = {"true": True, "false": False, "null": None}
_HIGHEST_DEPTH_OF_VALUES = 50


class _NotSimpleError(Exception):
    """The text is not in the part of the language that this parser reads."""


def parse(text: str) -> list[Node] | None:
    """Return the selections of a simple query, or None when graphql-core must read it."""
    try:
        return _Parser(text).document()
    except (_NotSimpleError, ValueError):
        return None


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.kind: str | None = None
        self.token = ""
        self.next()

    def next(self) -> None:
        """Go to the next token."""
        found = _TOKEN.match(self._text, self._position)
        if found is None:
            raise _NotSimpleError
        self._position = found.end()
        self.kind = found.lastgroup
        self.token = found[self.kind or 0]

    def take(self, token: str) -> bool:
        """Step over a punctuation mark if it is next."""
        if self.token != token or self.kind != "punctuation":
            return False
        self.next()
        return True

    def expect(self, token: str) -> None:
        """Step over a punctuation mark that must be next."""
        if not self.take(token):
            raise _NotSimpleError

    def name(self) -> str:
        """Step over a name and return it."""
        if self.kind != "name":
            raise _NotSimpleError
        name = self.token
        self.next()
        return name

    def document(self) -> list[Node]:
        """Read `{ ... }` or `query { ... }` to the end of the text."""
        if self.kind == "name" and self.name() != "query":
            raise _NotSimpleError
        self.expect("{")
        root: list[Node] = []
        open_sets = [root]
        while open_sets:
            if self.take("}"):
                if not open_sets.pop():
                    raise _NotSimpleError
                continue
            node = self.selection()
            open_sets[-1].append(node)
            if self.take("{"):
                node.selections = []
                open_sets.append(node.selections)
            elif isinstance(node, FragmentNode):
                raise _NotSimpleError
        if self.kind != "end":
            raise _NotSimpleError
        return root

    def selection(self) -> Node:
        """Read a field up to its selections, or the head of an inline fragment."""
        if self.take("..."):
            if self.kind == "name" and self.name() != "on":
                raise _NotSimpleError
            return FragmentNode(condition=self.name() if self.kind == "name" else None)
        key = name = self.name()
        if self.take(":"):
            name = self.name()
        arguments: dict[str, Any] = {}
        if self.take("("):
            arguments = self.members(")", 0)
            if not arguments:
                raise _NotSimpleError
        return FieldNode(name=name, key=key, arguments=arguments, selections=None)

    def members(self, end: str, depth: int) -> dict[str, Any]:
        """Read `name: value` pairs up to and with `end`."""
        members: dict[str, Any] = {}
        while not self.take(end):
            name = self.name()
            self.expect(":")
            if name in members:
                raise _NotSimpleError
            members[name] = self.value(depth)
        return members

    def value(self, depth: int) -> Any:
        """Read a literal."""
        if depth > _HIGHEST_DEPTH_OF_VALUES:
            raise _NotSimpleError
        if self.kind == "punctuation":
            return self._compound(depth)
        kind, token = self.kind, self.token
        self.next()
        if kind == "string":
            return _string(token)
        if kind == "number":
            return float(token) if any(char in token for char in ".eE") else int(token)
        if kind != "name":
            raise _NotSimpleError
        return _CONSTANTS[token] if token in _CONSTANTS else EnumName(token)

    def _compound(self, depth: int) -> Any:
        if self.take("["):
            items: list[Any] = []
            while not self.take("]"):
                items.append(self.value(depth + 1))
            return items
        self.expect("{")
        return self.members("}", depth + 1)


def _string(token: str) -> str:
    """Return the text of a string; its escapes are those of JSON."""
    if "\\" not in token:
        return token[1:-1]
    text: str = json.loads(token, strict=False)
    text.encode()  # half a surrogate pair is an error that graphql-core explains
    return text
