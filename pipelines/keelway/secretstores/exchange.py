"""One question to a store, and its answer as JSON."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 15.0
_ATTEMPTS = 3
_PAUSE_S = 0.5
_BUSY = 429
_BROKEN = 500
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class StoreError(Exception):
    """A secret that cannot be had; the message is for people, and has no secret in it."""


class RefusedError(StoreError):
    """The store's own answer is an error."""

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.answer = answer


class _Nowhere(HTTPRedirectHandler):
    """Follows nobody: what is sent is for one store alone."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        return None


def ask(request: Request, *, store: str, certificates: str | None = None) -> dict[str, Any]:
    """Return the answer of a store; what is busy or broken for a moment is asked again.

    Args:
        request: What is asked.
        store: What messages call it.
        certificates: A file of authorities to trust, in place of the machine's own.

    Raises:
        RefusedError: It answers with an error.
        StoreError: It does not answer, or not in JSON.
    """
    handlers: list[Any] = [_Nowhere()]
    if certificates is not None:
        handlers.append(HTTPSHandler(context=_context(certificates, store)))
    if urlsplit(request.full_url).hostname in _LOOPBACK:
        handlers.append(ProxyHandler({}))
    opener = build_opener(*handlers)
    for attempt in range(1, _ATTEMPTS + 1):
        is_last = attempt == _ATTEMPTS
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                return _document(answer.read(), store)
        except HTTPError as error:
            if is_last or not (error.code == _BUSY or error.code >= _BROKEN):
                raise RefusedError(error.code, _tolerant(error.read())) from error
        except (URLError, OSError, http.client.HTTPException) as error:
            if is_last:
                reason = error.reason if isinstance(error, URLError) else error
                raise StoreError(f"{store} does not answer: {reason}") from error
        time.sleep(_PAUSE_S * attempt)
    raise AssertionError  # the last attempt returns or raises


def within(document: object, *keys: str) -> object:
    """Return what an answer has at this place, or nothing."""
    for key in keys:
        if not isinstance(document, dict):
            return None
        document = cast("dict[str, object]", document).get(key)
    return document


def _context(certificates: str, store: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise StoreError(f"{store}: {certificates} has no certificates: {error}") from error


def _document(body: bytes, store: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise StoreError(f"{store} answered something that is no JSON") from error
    if not isinstance(found, dict):
        raise StoreError(f"{store} answered something that is no object")
    return cast("dict[str, Any]", found)


def _tolerant(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
