"""An entry of the history as one line of JSON, and back.

Example:
    >>> from datetime import UTC, datetime
    >>> from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry
    >>> entry = HistoryEntry(
    ...     at=datetime(2026, 11, 21, tzinfo=UTC), event=DeliveryEvent.DEPLOY,
    ...     outcome=DeliveryOutcome.SUCCEEDED, project="shop", environment="web", version="v1",
    ...     images={}, actor=Actor(who="ada", where="laptop"),
    ... )
    >>> parse_history_line(history_line(entry)) == entry
    True
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry


def history_data(entry: HistoryEntry) -> dict[str, Any]:
    """Return the entry as plain data, without what is not known."""
    data = {key: value for key, value in asdict(entry).items() if value not in (None, (), [])}
    for key in ("at", "host_at"):
        if key in data:
            data[key] = data[key].astimezone(UTC).isoformat().replace("+00:00", "Z")
    data["actor"] = {key: value for key, value in data["actor"].items() if value is not None}
    return data


def history_line(entry: HistoryEntry) -> str:
    """Return the entry as one line, with its end."""
    return json.dumps(history_data(entry), ensure_ascii=False, separators=(", ", ": ")) + "\n"


def parse_history_line(line: str) -> HistoryEntry:
    """Return the entry that a line is; keys that later versions write are passed over.

    Raises:
        ValueError: It is none.
    """
    try:
        data: dict[str, Any] = json.loads(line)
        actor: dict[str, Any] = data["actor"]
        return HistoryEntry(
            at=_time(data["at"]),
            event=DeliveryEvent(data["event"]),
            outcome=DeliveryOutcome(data["outcome"]),
            project=str(data["project"]),
            environment=str(data["environment"]),
            target=data.get("target"),
            hosts=tuple(data.get("hosts", ())),
            version=str(data["version"]),
            images=dict(data["images"]),
            evidence=tuple(data.get("evidence", ())),
            actor=Actor(
                who=str(actor["who"]), where=str(actor["where"]), run_url=actor.get("run_url")
            ),
            duration_s=data.get("duration_s"),
            replaced=data.get("replaced"),
            reason=data.get("reason"),
            run=data.get("run"),
            host_at=_time(data["host_at"]) if "host_at" in data else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"no entry of a history: {error}"
        raise ValueError(msg) from error


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
