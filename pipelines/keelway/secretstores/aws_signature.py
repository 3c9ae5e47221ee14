"""Requests to Amazon signed by Signature Version 4 (IAM User Guide, "Create a signed request").

Pure. Only what the requests here need: no query that must be sorted, a body that is known.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """Who signs."""

    key: str
    """The access key's id, which is no secret."""
    secret: str = field(repr=False)
    session: str | None = field(default=None, repr=False)
    """Beside keys that are lent."""


def signed_headers(  # noqa: PLR0913 - what a signature is made of
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: AwsKeys,
    scope: tuple[str, str],
    at: datetime,
) -> dict[str, str]:
    """Return the headers that sign a request, beside those that it has.

    Args:
        method: As HTTP writes it.
        url: The whole address.
        headers: Those that are sent and signed, by lower-case name; `host` is one.
        body: What is sent.
        keys: Who signs.
        scope: Region and service.
        at: The time, aware and in UTC.
    """
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": moment}
    if keys.session is not None:
        added["x-amz-security-token"] = keys.session
    signed = dict(sorted({**headers, **added}.items()))
    parts = urlsplit(url)
    request = "\n".join(
        (
            method,
            parts.path or "/",
            parts.query,
            *(f"{name}:{' '.join(value.split())}" for name, value in signed.items()),
            "",
            ";".join(signed),
            hashlib.sha256(body).hexdigest(),
        )
    )
    place = "/".join((moment[:8], *scope, "aws4_request"))
    text = "\n".join((_ALGORITHM, moment, place, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={keys.key}/{place}, SignedHeaders={';'.join(signed)}"
    return {**added, "authorization": f"{_ALGORITHM} {credential}, Signature={signature}"}
