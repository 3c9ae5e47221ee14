"""What a workload remembers of its deployments: the last entries, in an annotation.

Example:
    >>> entries_of({})
    ()
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from keelway.model.history import DeliveryOutcome, HistoryEntry
from keelway.model.history_line import history_line, parse_history_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

HISTORY = "keelway/history"
"""The annotation: one JSON object a line, oldest first."""
_KEPT = 20
_REASON_SHOWN = 500


def entries_of(annotations: Mapping[str, str]) -> tuple[HistoryEntry, ...]:
    """Return the entries of a workload, oldest first; a line that is none is passed over."""
    found: list[HistoryEntry] = []
    for line in annotations.get(HISTORY, "").splitlines():
        try:
            found.append(parse_history_line(line))
        except ValueError:
            continue
    return tuple(found)


def with_entry(entries: Iterable[HistoryEntry], entry: HistoryEntry) -> str:
    """Return the annotation with one more entry, which takes the place of its own beginning."""
    kept = [one for one in entries if not is_begun(one) or one.run != entry.run]
    return "".join(history_line(one) for one in [*kept, entry][-_KEPT:])


def is_begun(entry: HistoryEntry) -> bool:
    """Return whether an entry tells only that something began."""
    return entry.outcome is DeliveryOutcome.STARTED


def is_under_way(
    entries: tuple[HistoryEntry, ...], now: datetime, longest_s: float
) -> HistoryEntry | None:
    """Return the deployment that is not over yet; one that takes too long was killed."""
    last = entries[-1] if entries else None
    if last is None or not is_begun(last) or now - last.at > timedelta(seconds=longest_s):
        return None
    return last


def merged(histories: Iterable[tuple[HistoryEntry, ...]]) -> tuple[HistoryEntry, ...]:
    """Return what several workloads tell, oldest first, each event once."""
    every = {repr(entry): entry for entries in histories for entry in entries}
    return tuple(sorted(every.values(), key=lambda entry: entry.at))


def shortened(reason: str | None) -> str | None:
    """Return as much of a reason as an annotation should hold."""
    if reason is None or len(reason) <= _REASON_SHOWN:
        return reason
    return f"{reason[:_REASON_SHOWN]}..."
