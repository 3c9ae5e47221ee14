"""One thing that was looked at.

Example:
    >>> lack = Check(group="tools", name="syft", ok=False, text="not installed", purpose="SBOMs",
    ...     needed=True, remedy="pip install 'keelway[tools]'", code=3)
    >>> lack.state
    'missing'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from keelway.errors import PlanError

State = Literal["ok", "missing", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found, what it is for, and what to do."""

    group: str
    name: str
    ok: bool
    text: str
    purpose: str = ""
    """The feature that needs it."""
    needed: bool = False
    """Whether what is configured here cannot be done without it."""
    remedy: str = ""
    """The command that mends it, or what else does."""
    code: int = PlanError.exit_code
    """The exit code of a lack of what is needed."""
    details: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """Return how it stands: here, missing, or absent and not needed."""
        if self.ok:
            return "ok"
        return "missing" if self.needed else "absent"
