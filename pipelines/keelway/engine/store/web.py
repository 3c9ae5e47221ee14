"""Files of the web: fetched once a session, and only if they have changed since.

body = store.web.fetch("https://example.com/tool.tar.gz")
store.blobs.path(body.digest)
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from keelway.engine.errors import EngineError
from keelway.engine.store.address import shown
from keelway.engine.store.dialled import handlers

if TYPE_CHECKING:
    from collections.abc import Generator
    from urllib.request import OpenerDirector

    from keelway.engine.store.address import Authorization
    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.cache import OperationCache
    from keelway.engine.store.dialled import Server

_TIMEOUT_S = 60.0
"""How long a server may say nothing."""
_MEDIA_TYPE = "application/octet-stream"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a server gave for a URL."""

    digest: str
    """The blob of the store that has it."""
    modified: int
    """Seconds since 1970 (`Last-Modified`), 0 when the server does not say."""
    etag: str = ""


class Web:
    """Fetches by HTTP; what was fetched stays the same for the session."""

    def __init__(self, blobs: Blobs, cache: OperationCache) -> None:
        """Keep bodies as these blobs, and what servers said of them in this cache."""
        self._blobs = blobs
        self._cache = cache
        self._lock = threading.Lock()
        self._flights: dict[bytes, threading.Lock] = {}
        self._bodies: dict[bytes, Body] = {}

    def fetch(
        self,
        url: str,
        authorization: Authorization | None = None,
        server: Server | None = None,
    ) -> Body:
        """Return what is at a URL; at most one request a session, URL and authorization.

        A `server` that has to be started is part of what the URL means.

        Raises:
            EngineError: The server was not reached, or did not answer with the file.
        """
        who = authorization.identity if authorization is not None else ""
        what = ("http", url, who) if server is None else ("http", url, who, server.identity)
        key = hashlib.sha256(repr(what).encode()).digest()
        with self._lock:
            flight = self._flights.setdefault(key, threading.Lock())
        with flight:
            if key not in self._bodies:
                self._bodies[key] = self._fetch(key, url, authorization, server)
            return self._bodies[key]

    def _fetch(
        self, key: bytes, url: str, authorization: Authorization | None, server: Server | None
    ) -> Body:
        before = self._before(key)
        request = _request(url, authorization)
        if before is not None:
            request.add_header("If-None-Match", before.etag)
        try:
            with _opener(server) as opener, opener.open(request, timeout=_TIMEOUT_S) as answer:
                blob = self._blobs.put_stream(answer, _MEDIA_TYPE)
                headers = answer.headers
        except HTTPError as error:
            with error:
                if error.code == HTTPStatus.NOT_MODIFIED and before is not None:
                    return before
                raise EngineError(_status(url, error)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EngineError(f"http {shown(url)}: {_reason(error)}") from error
        body = Body(
            digest=blob.digest,
            modified=_seconds(headers.get("Last-Modified")),
            etag=headers.get("ETag") or "",
        )
        self._cache.put(
            key,
            json.dumps(asdict(body)).encode(),
            description=f"http {shown(url)}",
            layers=(),
            blobs=(body.digest,),
        )
        return body

    def _before(self, key: bytes) -> Body | None:
        """Return what an earlier session got, if the server can be asked whether it changed."""
        known = self._cache.get(key)
        if known is None:
            return None
        body = Body(**json.loads(known))
        return body if body.etag and self._blobs.has(body.digest) else None


@contextmanager
def _opener(server: Server | None) -> Generator[OpenerDirector]:
    if server is None:
        yield build_opener(_Redirects())
        return
    with server.opened() as dial:
        yield build_opener(_Redirects(), *handlers(dial))


class _Redirects(HTTPRedirectHandler):
    """Follows redirects; the authorization does not go to another server."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        """Return the request that follows a redirect."""
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and _server(req.full_url) != _server(new.full_url):
            new.remove_header("Authorization")
        return new


def _server(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _request(url: str, authorization: Authorization | None) -> Request:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise EngineError(f"invalid URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise EngineError(f"invalid URL {shown(url)!r}: write one such as https://example.com/file")
    account, _, place = parts.netloc.rpartition("@")
    request = Request(  # noqa: S310 - http and https only, as checked above
        urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    )
    request.add_header("User-Agent", "keelway")
    if authorization is not None:
        request.add_header("Authorization", authorization.value)
    elif account:
        basic = base64.b64encode(unquote(account).encode()).decode()
        request.add_header("Authorization", f"Basic {basic}")
    return request


def _status(url: str, error: HTTPError) -> str:
    text = f"http {shown(url)}: invalid response status {error.code} {error.reason}".rstrip()
    if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return f"{text}; give what it asks for as authHeader"
    return text


def _reason(error: Exception) -> str:
    inner = cast("object", error.reason) if isinstance(error, URLError) else error
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror.lower()
    return str(inner) or type(inner).__name__


def _seconds(text: str | None) -> int:
    """Return an HTTP date in seconds since 1970, 0 for none and for what is no date."""
    try:
        return max(0, int(parsedate_to_datetime(text or "").timestamp()))
    except (ValueError, OverflowError):
        return 0
