"""The moment that every timestamp of a release is set to: never the clock.

Example:
    >>> decide_epoch("1700000000", None)
    (1700000000, 'SOURCE_DATE_EPOCH')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.errors import PlanError

if TYPE_CHECKING:
    from keelway.tags.commit import Commit


def decide_epoch(variable: str | None, commit: Commit | None) -> tuple[int | None, str]:
    """Return the seconds since 1970, where they are known, and where they come from.

    Args:
        variable: The value of SOURCE_DATE_EPOCH, where it is set.
        commit: What is released.

    Raises:
        PlanError: When the variable is no whole number of seconds.
    """
    if variable:
        if not (variable.isascii() and variable.isdigit()):
            raise PlanError(
                f"SOURCE_DATE_EPOCH is {variable!r}, and no whole number of seconds",
                next_step="set it as in SOURCE_DATE_EPOCH=$(git log -1 --format=%ct), or unset it",
            )
        return int(variable), "SOURCE_DATE_EPOCH"
    if commit is not None:
        return int(commit.committed_at.timestamp()), "the commit's time"
    return None, "neither SOURCE_DATE_EPOCH nor a commit is there"
