"""What became of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Skipped:
    """A stage that has nothing to do, with the reason; decided in planning, shown in the report."""

    reason: str
    """Why, for people."""


class Status(StrEnum):
    """How a stage ended."""

    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Stopped because a neighbour failed or the user pressed Ctrl-C."""
