"""What a release by several engines is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.fleet.planning import FleetPlan
    from keelway.proof.document import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec:
    """Who proves what, and where the proofs are kept."""

    plan: FleetPlan
    source: Source
    """What all is made from."""
    directory: str
    """The report directory."""
