"""Rows of the table: what is measured, what Dagger's engine takes for it, and what is promised.

Dagger's figures were measured on a machine with 2 cores (engine 0.21.8). A promise is a share of
them until a Dagger engine runs beside the others: then it is a share of what that one took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bench.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    title: str
    unit: str = "s"
    """`s`, `ms`, or `x` for how many times one thing takes as long as another."""
    dagger: tuple[float, float] | None = None
    """The least and the most that Dagger's engine took, in the row's unit."""
    share: float | None = None
    """How much of Dagger's time is promised at most."""
    limit: float | None = None
    """What is promised whatever Dagger's engine takes."""

    def goal(self, reference: float | None = None) -> float | None:
        """Return the most that is promised, given what Dagger's engine took in the same run."""
        if self.share is None:
            return self.limit
        if reference is not None:
            return self.share * reference
        return self.share * sum(self.dagger) / 2 if self.dagger is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something done once a round by each engine; it gives the figures of one or more rows."""

    rows: tuple[Row, ...]
    measure: Callable[[Lab], Awaitable[Mapping[str, float]]]
    """Returns a figure for each row's name, in the row's unit."""
    rounds: int | None = None
    """The most rounds that it takes part in."""

    @property
    def name(self) -> str:
        """What `--rows` calls it: the function's name with hyphens."""
        return self.measure.__name__.replace("_", "-")
