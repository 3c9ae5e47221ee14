"""A query checked against the API: each field found, each argument of the right type.

Binding happens before anything runs, so that a query with a fault in it has no effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from keelway.engine.errors import EngineError
from keelway.engine.schema.coerce import coerce_arguments
from keelway.engine.server.syntax import FieldNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.schema.api import Api, Field
    from keelway.engine.server.syntax import Node

META = frozenset({"__schema", "__type"})


class NotInApi(EngineError):  # noqa: N818 - reads as the answer it is
    """A query that asks for what the API does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundField:
    """A field to be answered under `key`; `field` is None for the names with two underscores."""

    key: str
    name: str
    field: Field | None
    arguments: dict[str, Any]
    selections: tuple[Bound, ...] | None
    source: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFragment:
    """Selections that only count for values of one type."""

    condition: str
    selections: tuple[Bound, ...]


Bound: TypeAlias = BoundField | BoundFragment


def bind(api: Api, owner: str, nodes: Sequence[Node]) -> tuple[Bound, ...]:
    """Return the selections of a query on type `owner`, checked and with coerced arguments.

    Raises:
        EngineError: the API has no such field or type, or an argument does not fit.
    """
    # Chains are nested as deep as they are long: the open ends wait here instead of on the stack.
    root: list[Bound] = []
    waiting: list[tuple[str, Sequence[Node], list[Bound]]] = [(owner, nodes, root)]
    made: list[tuple[list[Bound], int, list[Bound]]] = []
    while waiting:
        parent, children, target = waiting.pop()
        for node in children:
            inner: list[Bound] = []
            bound, inside = _bind_one(api, parent, node)
            target.append(bound)
            if inside is not None:
                made.append((target, len(target) - 1, inner))
                waiting.append((inside, node.selections or (), inner))
    for target, index, inner in reversed(made):
        target[index] = _with_selections(target[index], tuple(inner))
    return tuple(root)


def _with_selections(bound: Bound, selections: tuple[Bound, ...]) -> Bound:
    if isinstance(bound, BoundFragment):
        return BoundFragment(condition=bound.condition, selections=selections)
    return BoundField(
        key=bound.key,
        name=bound.name,
        field=bound.field,
        arguments=bound.arguments,
        selections=selections,
        source=bound.source,
    )


def _bind_one(api: Api, parent: str, node: Node) -> tuple[Bound, str | None]:
    """Return the node without its selections, and the type on which those are."""
    if not isinstance(node, FieldNode):
        condition = node.condition or parent
        if api.type(condition) is None:
            raise NotInApi(f'Unknown type "{condition}"')
        return BoundFragment(condition=condition, selections=()), condition
    if node.name.startswith("__"):
        return _bind_meta(parent, node), None
    field = api.field(parent, node.name)
    if field is None:
        raise NotInApi(f'Cannot query field "{node.name}" on type "{parent}"')
    _check_selections(field, node)
    bound = BoundField(
        key=node.key,
        name=node.name,
        field=field,
        arguments=coerce_arguments(api, field.arguments, node.arguments, f"field {field}"),
        selections=None,
        source=node.source,
    )
    return bound, field.type.name if field.has_selections else None


def _bind_meta(parent: str, node: FieldNode) -> BoundField:
    # Introspection is run by graphql-core, and so has to be read by it.
    is_known = node.name in META and parent == "Query" and node.source is not None
    if node.name != "__typename" and not is_known:
        raise NotInApi(f'Cannot query field "{node.name}" on type "{parent}"')
    return BoundField(
        key=node.key, name=node.name, field=None, arguments={}, selections=None, source=node.source
    )


def _check_selections(field: Field, node: FieldNode) -> None:
    if field.has_selections and not node.selections:
        kind = field.type.name
        raise NotInApi(f'field "{field.name}" of type "{kind}" must have a selection of subfields')
    if not field.has_selections and node.selections is not None:
        raise NotInApi(
            f'Field "{field.name}" must not have a selection: type "{field.type}" has no subfields'
        )
