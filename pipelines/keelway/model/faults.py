"""What came of an experiment: how a service answered while another one was hurt.

Example:
    >>> FaultResult(
    ...     name="db-killed", service="db", probe="http://web:8080/", done="db killed for 3 s",
    ...     expect="degrades", answers={"200": 1, "503": 9}, recovered_s=1.25, within_s=10,
    ... ).told
    'db-killed: db killed for 3 s: answered 200 (1), 503 (9), slowest 0.0 s; recovered after ...'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.model.reuse import reused_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

NO_ANSWER = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultResult:
    """One experiment, as it went."""

    name: str
    """The experiment's name."""
    service: str
    """The service that was hurt."""
    probe: str
    """The URL that was asked."""
    done: str
    """What was done, in words."""
    expect: str
    """`stays-up`, `degrades` or `recovers`."""
    within_s: float
    """How soon it had to recover."""
    answers: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often the probe answered what during the fault, by status; `none` is no answer."""
    slowest_s: float = 0.0
    """How long the slowest answer of the probe took during the fault."""
    recovered_s: float | None = None
    """Seconds from the end of the fault until all was well; nothing when it never was."""
    log: str | None = None
    """The experiment's own log, relative to the report directory."""
    ran_at: datetime | None = None
    """When it began."""
    reused: bool = False
    """Whether that was at an earlier run: nothing that decides it changed since."""

    @property
    def told(self) -> str:
        """Return it on one line."""
        head = f"{self.name}: {self.done}"
        if not self.answers:
            return f"{head}: not begun"
        answers = ", ".join(f"{status} ({number})" for status, number in self.answers.items())
        seconds = self.recovered_s
        back = "not recovered" if seconds is None else f"recovered after {seconds:.1f} s"
        slowest = f"slowest {self.slowest_s:.1f} s"
        told = f"{head}: answered {answers}, {slowest}; {back} of {self.within_s:g} s"
        return told + reused_text(self.ran_at, reused=self.reused)
