"""Records of promotions: what their statement says, and what is read back from it. Pure.

The predicate `urn:keelway:promotion:v1` is told key by key in `docs/how-to/promote.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.promotion import PromotionRecord
from keelway.registry.describing import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.model.image import Digest

RECORD_TYPE = "application/vnd.keelway.promotion.v1+json"
"""The artifact type of a record that nobody signed."""


def predicate_of(record: PromotionRecord) -> dict[str, Any]:
    """Return what the statement about a digest says; what is not known is left out."""
    entry = record.entry
    written = {
        "project": entry.project,
        "environment": entry.environment,
        "after": record.after,
        "version": entry.version,
        "promotedAt": entry.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "by": _without_nothing(
            {"who": entry.actor.who, "where": entry.actor.where, "run": entry.actor.run_url}
        ),
        "source": record.source,
        "images": dict(entry.images),
        "tags": list(record.tags),
        "evidence": list(entry.evidence),
        "replaced": entry.replaced,
        "reason": entry.reason,
        "approvals": record.approvals,
    }
    return _without_nothing(written)


def read_record(
    predicate: Mapping[str, Any], digest: Digest, *, signed: bool
) -> PromotionRecord | None:
    """Return the record that a predicate is; nothing where it is none that can be read.

    Args:
        predicate: What a statement says, or what is kept where nobody signs.
        digest: What it is about.
        signed: Whether a signature that counts stands under it.
    """
    at = read_moment(predicate.get("promotedAt"))
    environment = _text(predicate, "environment")
    if at is None or environment is None:
        return None
    by = _object(predicate, "by")
    entry = HistoryEntry(
        at=at,
        event=DeliveryEvent.PROMOTE,
        outcome=DeliveryOutcome.SUCCEEDED,
        project=_text(predicate, "project") or "",
        environment=environment,
        version=_text(predicate, "version") or str(digest),
        images={name: str(value) for name, value in _object(predicate, "images").items()},
        evidence=_texts(predicate, "evidence"),
        actor=Actor(
            who=_text(by, "who") or "nobody",
            where=_text(by, "where") or "unknown",
            run_url=_text(by, "run"),
        ),
        replaced=_text(predicate, "replaced"),
        reason=_text(predicate, "reason"),
    )
    return PromotionRecord(
        entry=entry,
        digest=digest,
        tags=_texts(predicate, "tags"),
        source=_text(predicate, "source"),
        after=_text(predicate, "after"),
        approvals=_text(predicate, "approvals"),
        signed=signed,
    )


def newest(records: Iterable[PromotionRecord], environment: str) -> PromotionRecord | None:
    """Return the newest record of an environment; nothing when there is none."""
    found = [record for record in records if record.entry.environment == environment]
    return max(found, key=lambda record: record.entry.at, default=None)


def _without_nothing(written: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in written.items() if value not in (None, [], {})}


def _text(said: Mapping[str, Any], key: str) -> str | None:
    found = said.get(key)
    return found if isinstance(found, str) and found else None


def _texts(said: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = said.get(key)
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return tuple(one for one in listed if isinstance(one, str))


def _object(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = said.get(key)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
