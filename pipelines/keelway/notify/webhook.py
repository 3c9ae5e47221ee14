"""Any webhook: the entry as JSON, signed as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the
signature is over `id.timestamp.body`, so that neither can be exchanged; the id is the same whenever
it is tried again, so that a receiver takes it once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC
from typing import TYPE_CHECKING, Any

from keelway.errors import redact
from keelway.notify.request import Request, json_bytes

if TYPE_CHECKING:
    from datetime import datetime

    from keelway.model.history import HistoryEntry

SCHEMA = "keelway.delivery/1"
_PREFIX = "whsec_"


def webhook_request(
    entry: HistoryEntry, *, identity: str, at: datetime, secret: str | None
) -> Request:
    """Return the entry as a request.

    Args:
        entry: What happened.
        identity: Of this delivery; the same at each attempt.
        at: When it is sent.
        secret: What it is signed with; unsigned without one.

    Raises:
        ValueError: The secret begins with `whsec_`, and is no base64.
    """
    body = json_bytes(
        {
            "type": f"{entry.event}.{entry.outcome}",
            "timestamp": _time(entry.at),
            "data": data(entry),
        }
    )
    stamp = str(int(at.timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": identity,
        "webhook-timestamp": stamp,
    }
    if secret is not None:
        signed = b".".join((identity.encode(), stamp.encode(), body))
        digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return Request(headers=headers, body=body)


def data(entry: HistoryEntry) -> dict[str, Any]:
    """Return the entry as an object."""
    return {
        "schema": SCHEMA,
        "event": str(entry.event),
        "outcome": str(entry.outcome),
        "project": entry.project,
        "environment": entry.environment or None,
        "target": entry.target,
        "hosts": list(entry.hosts),
        "version": entry.version,
        "images": dict(entry.images),
        "evidence": list(entry.evidence),
        "actor": {
            "who": entry.actor.who,
            "where": entry.actor.where,
            "run_url": entry.actor.run_url,
        },
        "duration_s": entry.duration_s,
        "replaced": entry.replaced,
        "reason": None if entry.reason is None else redact(entry.reason),
        "at": _time(entry.at),
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("the secret begins with whsec_, and is no base64") from None
