"""HTTP to one registry: where it is, who asks, and when to ask again.

A request is repeated after a network error, a 429 or a 5xx, never after another refusal. A login
that has an end is fetched anew when it is over.
"""

from __future__ import annotations

import functools
import re
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import anyio
import httpx

from keelway.errors import RegistryError, redact
from keelway.registry.retrying import ATTEMPTS, is_passing, pause_s, retry_after
from keelway.registry.tokens import Tokens
from keelway.tags.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Mapping
    from types import TracebackType

    from keelway.registry.logins import Login

_HUB_HOST = "registry-1.docker.io"
_LOOPBACK = re.compile(r"^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$")
_TIMEOUT_S = 30.0
_UNAUTHORIZED = 401
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a registry answered, whole."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    data: bytes

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return httpx.codes.is_success(self.status)

    @property
    def text(self) -> str:
        """Return the beginning of what it said, fit to be shown."""
        return redact(self.data.decode(errors="replace").strip())[:_SHOWN]

    @classmethod
    def of(cls, response: httpx.Response) -> Answer:
        """Return a response that was read."""
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return cls(status=response.status_code, headers=lowered, data=response.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: str
    scope: str
    headers: Mapping[str, str]
    data: bytes | AsyncIterable[bytes] | None
    query: Mapping[str, str]


def is_loopback(host: str) -> bool:
    """Return whether a registry is on this machine, where plain HTTP is what everybody speaks."""
    return _LOOPBACK.fullmatch(host) is not None


@functools.cache
def trust() -> ssl.SSLContext:
    """Return the machine's own certificates; SSL_CERT_FILE and SSL_CERT_DIR hold."""
    return ssl.create_default_context()


class Transport:
    """Requests to one registry."""

    def __init__(self, host: str, login: Login | None, *, stage: str) -> None:
        """Keep where and who; nothing is sent yet.

        Args:
            host: `host[:port]`.
            login: Whom to log in as, where it is asked.
            stage: Which stage it is for, for errors.
        """
        self.host = host
        self._login = login
        self._stage = stage
        plain = is_loopback(host)
        address = _HUB_HOST if host == DOCKER_HUB else host
        self._client = httpx.AsyncClient(
            base_url=f"{'http' if plain else 'https'}://{address}",
            verify=trust() if not plain else False,
            timeout=_TIMEOUT_S,
            follow_redirects=True,
            trust_env=not plain,
        )
        self._tokens = Tokens(self._client, host, stage=stage)
        self._authorization: dict[str, str] = {}
        self._asking = anyio.Lock()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer, whatever its status, once the registry gave one that can last.

        Args:
            method: As HTTP writes it.
            url: Path from the registry's root, or a whole address that the registry gave.
            scope: What a token must allow, as in `repository:demo/orders:pull`.
            headers: More headers.
            data: The body.
            query: More parameters of the address.

        Raises:
            RegistryError: Nobody answers, or the login is refused.
        """
        request = _Request(
            method=method, url=url, scope=scope, headers=headers or {}, data=data, query=query or {}
        )
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = await self._authorized(request)
            except httpx.TransportError as error:
                if last:
                    raise self.unreachable(error) from error
                wait = 0.0
            else:
                if last or not is_passing(answer.status):
                    return answer
                wait = retry_after(answer.headers, now=time.time())
            await anyio.sleep(pause_s(attempt, wait))
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        data: AsyncIterable[bytes] | None = None,
    ) -> AsyncGenerator[httpx.Response]:
        """Give the answer to one request, whose body is read or sent piece by piece.

        It is sent once: who has the pieces decides whether to begin again. A token is asked for
        where the registry wants one and the body is not sent yet.

        Args:
            method: As HTTP writes it.
            url: Path from the registry's root, or a whole address that the registry gave.
            scope: What a token must allow.
            headers: More headers.
            data: The body.

        Raises:
            httpx.TransportError: Nobody answers, or the connection broke.
            RegistryError: The login is refused.
        """
        request = _Request(
            method=method, url=url, scope=scope, headers=headers or {}, data=data, query={}
        )
        used = self._authorization.get(scope)
        response = await self._once(request)
        try:
            if response.status_code == _UNAUTHORIZED:
                await response.aread()
                refused = await self._log_in(Answer.of(response), scope, used)
                if data is None and refused is None:
                    await response.aclose()
                    response = await self._once(request)
            yield response
        finally:
            await response.aclose()

    def refused(self, doing: str, answer: Answer) -> RegistryError:
        """Return the error for an answer that is not what was asked for."""
        login = answer.status in {_UNAUTHORIZED, 403}
        return RegistryError(
            f"{self.host} refused {doing}: HTTP {answer.status}",
            stage=self._stage,
            status=answer.status,
            why=answer.text or None,
            next_step="log in with an account that may do this" if login else None,
        )

    def unreachable(self, error: Exception) -> RegistryError:
        """Return the error for a registry that does not answer."""
        return RegistryError(
            f"{self.host} cannot be reached",
            stage=self._stage,
            why=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
            next_step="check its address and the network, and run again",
            unreached=True,
        )

    async def _authorized(self, request: _Request) -> Answer:
        """Send once, and once more with a token when the registry asks for one."""
        used = self._authorization.get(request.scope)
        answer = await self._whole(request)
        if answer.status != _UNAUTHORIZED:
            return answer
        refused = await self._log_in(answer, request.scope, used)
        return refused or await self._whole(request)

    async def _log_in(self, answer: Answer, scope: str, used: str | None) -> Answer | None:
        """Ask for what the registry wants to see, and return an answer that may pass, if any."""
        async with self._asking:
            if self._authorization.get(scope) != used:  # somebody else asked meanwhile
                return None
            if self._login is not None:
                self._login = await self._login.fresh(now=time.time(), refused=used is not None)
            challenge = answer.headers.get("www-authenticate", "")
            found = await self._tokens.authorization(challenge, scope, self._login)
            if not isinstance(found, str):
                return Answer.of(found)
            self._authorization[scope] = found
            return None

    async def _whole(self, request: _Request) -> Answer:
        response = await self._once(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return Answer.of(response)

    async def _once(self, request: _Request) -> httpx.Response:
        sent = dict(request.headers)
        if request.scope in self._authorization:
            sent["Authorization"] = self._authorization[request.scope]
        built = self._client.build_request(
            request.method,
            request.url,
            headers=sent,
            content=request.data,
            params=request.query or None,
        )
        return await self._client.send(built, stream=True)
