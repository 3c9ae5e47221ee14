"""A query as the engine works with it, whichever parser has read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(slots=True, kw_only=True)
class FieldNode:
    """A field as it was written; `source` is graphql-core's node where that parser read it."""

    name: str
    key: str
    arguments: dict[str, Any]
    selections: list[Node] | None
    source: Any = None


@dataclass(slots=True, kw_only=True)
class FragmentNode:
    """An inline fragment, or a spread that was replaced by what it names."""

    condition: str | None
    selections: list[Node] = field(default_factory=list)


Node: TypeAlias = FieldNode | FragmentNode
