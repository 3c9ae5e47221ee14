"""The fields of an entry of the history, as text for people, by the names that templates have.

Example:
    >>> duration_text(75.2)
    '1 min 15 s'
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.history import HistoryEntry

FIELDS: Mapping[str, str] = {
    "project": "the project's name",
    "event": "release, promote, deploy, rollback, retention or unlock",
    "outcome": "started, succeeded, failed, rolled-back or inconclusive",
    "environment": "the environment; empty for a release",
    "target": "the deploy target",
    "hosts": "the hosts, separated by commas",
    "version": "the version",
    "replaced": "the version that was there before",
    "images": "one line an image: its name and its reference by digest",
    "evidence": "what was verified, a line each",
    "who": "who did it",
    "where": "from which CI or machine",
    "run_url": "the address of the CI's run",
    "duration": "how long it took",
    "reason": "why it failed, was rolled back, or was done by hand",
    "at": "when, in UTC",
}
"""The fields, each with its meaning."""

_MINUTE_S = 60
_HOUR_S = 3600


def field_values(entry: HistoryEntry) -> Mapping[str, str]:
    """Return the text of each field; it is empty where there is nothing to say."""
    return {
        "project": entry.project,
        "event": str(entry.event),
        "outcome": str(entry.outcome),
        "environment": entry.environment,
        "target": entry.target or "",
        "hosts": ", ".join(entry.hosts),
        "version": entry.version,
        "replaced": entry.replaced or "",
        "images": "\n".join(f"{name} {place}" for name, place in entry.images.items()),
        "evidence": "\n".join(entry.evidence),
        "who": entry.actor.who,
        "where": entry.actor.where,
        "run_url": entry.actor.run_url or "",
        "duration": "" if entry.duration_s is None else duration_text(entry.duration_s),
        "reason": entry.reason or "",
        "at": entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }


def duration_text(seconds: float) -> str:
    """Return so many seconds as people say it."""
    whole = round(seconds)
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
