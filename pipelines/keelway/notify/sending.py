"""Requests sent, and sent again: after network errors, HTTP 429 and 5xx, within a time limit.

No error and no note has an address in it: those of webhooks are secrets.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

import anyio
import httpx

from keelway.errors import redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from keelway.notify.request import Request

_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0
_ONCE_S = 15.0
_TOO_MANY = 429
_SERVER_ERROR = 500
_SHOWN = 200
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SendError(Exception):
    """What was to be sent was not taken; the text has nothing secret in it."""

    def __init__(self, text: str, *, again: bool = False, wait_s: float = 0.0) -> None:
        """Keep whether, and when, it may be taken if it is sent again."""
        super().__init__(text)
        self.again = again
        self.wait_s = wait_s


@dataclass(slots=True, kw_only=True)
class Tries:
    """How often something is tried, and has been."""

    allowed: int
    made: int = 0

    async def pause(self, error: SendError, attempt: int) -> None:
        """Wait until it may be tried again.

        Raises:
            SendError: It is of no use, or there is no time left.
        """
        if not error.again or attempt >= self.allowed:
            raise error
        wait = max(error.wait_s, min(_DELAY_S * 2 ** (attempt - 1), _LONGEST_DELAY_S))
        if wait >= anyio.current_effective_deadline() - anyio.current_time():
            raise error
        await anyio.sleep(wait)


class Sender:
    """One address, and what every request to it has."""

    def __init__(
        self,
        address: str,
        tries: Tries,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        now: datetime,
        told: bool = False,
    ) -> None:
        """Keep where; nothing is sent yet.

        Args:
            address: Where.
            tries: How often a request is tried.
            headers: Sent with each request.
            secrets: What must not be shown, beside the address.
            now: The time, for answers that name one.
            told: Whether the address is no secret.

        Raises:
            SendError: The address is none, or not an encrypted one.
        """
        self._address = address.strip()
        self._host = _host_of(self._address)
        self._headers = {"User-Agent": f"keelway/{version('keelway')}", **(headers or {})}
        self._tries = tries
        hidden = () if told else (self._address, *_parts_of(self._address))
        self._secrets = (*hidden, *secrets)
        self._now = now

    async def send(self, request: Request) -> bytes:
        """Return what was answered.

        Raises:
            SendError: It was not taken.
        """
        attempt = 0
        while True:
            attempt += 1
            self._tries.made += 1
            try:
                return await self._once(request)
            except SendError as error:
                await self._tries.pause(error, attempt)

    async def _once(self, request: Request) -> bytes:
        try:
            async with httpx.AsyncClient(
                verify=_trust(),
                timeout=_ONCE_S,
                follow_redirects=False,
                trust_env=self._host not in _LOOPBACK,
            ) as client:
                answer = await client.request(
                    request.method,
                    self._address + request.path,
                    headers={**self._headers, **request.headers},
                    content=request.body or None,
                )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = self._shown(str(error)) or type(error).__name__
            again = isinstance(error, httpx.TransportError)
            raise SendError(f"{self._host} cannot be reached: {said}", again=again) from None
        if answer.is_success:
            return answer.content
        status = answer.status_code
        said = self._shown(answer.text)
        raise SendError(
            f"{self._host} answered HTTP {status}{f': {said}' if said else ''}",
            again=status == _TOO_MANY or status >= _SERVER_ERROR,
            wait_s=_wait_s(answer, self._now),
        )

    def _shown(self, text: str) -> str:
        return " ".join(redact(text, self._secrets).split())[:_SHOWN]


@cache
def _trust() -> ssl.SSLContext:
    """Return the machine's own certificates; SSL_CERT_FILE and SSL_CERT_DIR hold."""
    return ssl.create_default_context()


def _host_of(address: str) -> str:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise SendError("what its secret holds is no address") from None
    if url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK):
        return url.host
    raise SendError("what its secret holds is no address that begins with https://")


def _parts_of(address: str) -> tuple[str, ...]:
    """Return what an address is not to be shown in parts of: its path and its query."""
    url = httpx.URL(address)
    longer = (url.path, url.raw_path.decode(), url.query.decode())
    return tuple(part for part in longer if len(part) > 1)


def _wait_s(answer: httpx.Response, now: datetime) -> float:
    """Return how long the service asks to be left alone (RFC 9110, section 10.2.3)."""
    given = answer.headers.get("retry-after", "").strip()
    try:
        return max(float(given), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(given) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return _in_body(answer)


def _in_body(answer: httpx.Response) -> float:
    """Return what Discord says in the body."""
    try:
        document: object = json.loads(answer.content)
    except ValueError:
        return 0.0
    if not isinstance(document, dict):
        return 0.0
    wait = cast("dict[str, object]", document).get("retry_after")
    return max(float(wait), 0.0) if isinstance(wait, int | float) else 0.0
