"""A request over HTTP, as data: what is sent, but neither to whom nor with which secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request."""

    method: str = "POST"
    path: str = ""
    """What follows the channel's address."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


def json_request(document: Mapping[str, Any], **more: Any) -> Request:
    """Return a request whose body is JSON."""
    headers = {"Content-Type": "application/json; charset=utf-8", **more.pop("headers", {})}
    return Request(headers=headers, body=json_bytes(document), **more)


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the document's JSON, the same for the same document."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
