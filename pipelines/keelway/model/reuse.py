"""Whether what a test said before counts again, where nothing that it depends on changed.

Example:
    >>> ReuseSpec(days=7).rerunning()
    ReuseSpec(days=7, rerun=True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseSpec:
    """How long a result counts."""

    days: int = 0
    """Days after which a test runs again in any case; none is reused, or kept, when 0."""
    rerun: bool = False
    """Whether all run now; what they say is kept."""

    def rerunning(self) -> ReuseSpec:
        """Return the same, but that all run now."""
        return replace(self, rerun=True)


def reused_text(ran_at: datetime | None, *, reused: bool) -> str:
    """Return what is told behind a result that is reused; nothing behind another one.

    >>> from datetime import datetime, timezone
    >>> reused_text(datetime(2026, 11, 21, 9, 5, tzinfo=timezone.utc), reused=True)
    ' (reused: it ran on 2026-11-21 at 09:05 UTC)'
    """
    if not reused or ran_at is None:
        return ""
    return f" (reused: it ran on {ran_at:%Y-%m-%d} at {ran_at:%H:%M} UTC)"
