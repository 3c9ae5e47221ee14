"""Looks into a graph: which operations made a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from keelway.engine.graph import ops

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.graph.node import Node

T = TypeVar("T")


def chain(container: Container) -> list[Node]:
    """Return the nodes from the base to the container's root, along the first inputs."""
    found: list[Node] = []
    node = container.root
    while node is not None:
        if not isinstance(node.op, ops.Output):
            found.append(node)
        node = node.inputs[0] if node.inputs else None
    return found[::-1]


def steps(container: Container, kind: type[T]) -> list[T]:
    """Return the operations of one kind along that chain."""
    return [node.op for node in chain(container) if isinstance(node.op, kind)]
