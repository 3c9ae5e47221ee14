"""Addresses of the web, and what is said of whoever asks there."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """The value of an `Authorization` header, and what may be known of it outside of memory."""

    value: str
    identity: str


def shown(url: str) -> str:
    """Return a URL as messages may have it: without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def file_name(url: str) -> str:
    """Return the last part of a URL's path, `index` where there is none."""
    return unquote(urlsplit(url).path).rpartition("/")[2] or "index"
