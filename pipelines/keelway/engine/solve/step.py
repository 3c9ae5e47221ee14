"""One operation with all that it needs to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.solve.cancel import Cancel

if TYPE_CHECKING:
    from keelway.engine.graph.node import Node
    from keelway.engine.graph.ops import Op
    from keelway.engine.solve.content import Contents
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.services import Services
    from keelway.engine.solve.views import Views


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation about to run: its inputs are evaluated."""

    op: Op
    inputs: list[Snapshot]
    machine: Machine
    views: Views
    contents: Contents
    services: Services
    nodes: tuple[Node, ...] = ()
    """The nodes that the inputs came from."""
    op_id: str = ""
    """What progress calls it."""
    cancel: Cancel = field(default_factory=Cancel)
    """Set when nobody waits for the result any more."""
