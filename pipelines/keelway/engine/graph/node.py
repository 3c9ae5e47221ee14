"""A node of the graph: one operation and the nodes it works on.

Nodes are frozen and lazy: making one does nothing. Two nodes with the same operation on the same
inputs have the same digest, whoever made them, which is what lets a repeated query find its work.

>>> from keelway.engine.graph.ops import NewFile, Scratch
>>> empty = Node.of(Scratch())
>>> hello = Node.of(NewFile(path="/hello", contents=b"hi", mode=0o644), empty)
>>> hello.digest == Node.of(NewFile(path="/hello", contents=b"hi", mode=0o644), empty).digest
True
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.graph.ops import Op


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node:
    """An operation, its inputs in the order the operation expects, and the digest of both."""

    op: Op
    inputs: tuple[Node, ...]
    digest: str

    @classmethod
    def of(cls, op: Op, *inputs: Node) -> Node:
        """Return the node of `op` on `inputs`; nothing is evaluated."""
        return cls(op=op, inputs=inputs, digest=key_of(op, [node.digest for node in inputs]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<{type(self.op).__name__} {self.digest}>"


def key_of(op: Op, inputs: list[str]) -> str:
    """Return the identity of `op` on inputs that are known by these keys (64 hex digits).

    An operation's `repr` is its canonical form: fields that must not count are declared with
    `repr=False` (a secret's value, a variable that is volatile).
    """
    text = "\0".join((repr(op), *inputs))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
