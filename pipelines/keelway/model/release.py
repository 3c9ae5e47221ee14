"""What a whole release comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.model.outcome import Skipped
    from keelway.model.published import Delivered
    from keelway.model.verdict import Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `keelway.flow.release` returns when everything went well."""

    verified: Verified
    """What was built, found and judged."""
    delivered: Delivered | Skipped
    """What was published, or why nothing was."""
