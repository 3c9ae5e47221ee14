"""A release that is brought to a target which is told its images: a repository, a cluster.

Example:
    >>> from datetime import UTC, datetime
    >>> def deployed(version: str, event: DeliveryEvent = DeliveryEvent.DEPLOY) -> HistoryEntry:
    ...     return HistoryEntry(
    ...         at=datetime(2026, 1, 1, tzinfo=UTC), event=event, project="shop", version=version,
    ...         outcome=DeliveryOutcome.SUCCEEDED, environment="production", images={},
    ...         actor=Actor(who="kim", where="here"),
    ...     )
    >>> history = [deployed("1"), deployed("2"), deployed("3")]
    >>> earlier_release(history).version
    '2'
    >>> back = deployed("2", DeliveryEvent.ROLLBACK)
    >>> earlier_release([*history, back]).version
    '1'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRelease:
    """What is brought to a target, and on whose account; its images verified before."""

    version: str
    """What people call it."""
    images: Mapping[str, str]
    """By image: `registry/repository@sha256:...`."""
    actor: Actor
    event: DeliveryEvent = DeliveryEvent.DEPLOY
    """`rollback` where it is one that was there before."""
    evidence: tuple[str, ...] = ()
    """What was verified, a line each."""
    reason: str | None = None
    """Why it was done by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOutcome:
    """What became of it."""

    entry: HistoryEntry
    """For the log, the report and notices."""
    changed: bool
    """Whether there was anything to do."""
    details: tuple[str, ...] = ()
    """What was done, a line each."""
    url: str | None = None
    """Where people see it: a pull request."""


def earlier_release(
    history: Sequence[HistoryEntry], version: str | None = None
) -> HistoryEntry | None:
    """Return the release that a target goes back to; nothing where it was never another one.

    Args:
        history: Its events, oldest first.
        version: The version that is wanted; by default the one before the present one, and never
            one that was gone back from.
    """
    good = [
        entry
        for entry in history
        if entry.outcome is DeliveryOutcome.SUCCEEDED
        and entry.event in {DeliveryEvent.DEPLOY, DeliveryEvent.ROLLBACK}
    ]
    if version is not None:
        return next((entry for entry in reversed(good) if entry.version == version), None)
    standing: list[HistoryEntry] = []
    for entry in good:
        known = [place for place, one in enumerate(standing) if one.version == entry.version]
        if known:
            del standing[known[-1] + 1 if entry.event is DeliveryEvent.ROLLBACK else known[-1] :]
        if not standing or standing[-1].version != entry.version:
            standing.append(entry)
    return standing[-2] if len(standing) > 1 else None
