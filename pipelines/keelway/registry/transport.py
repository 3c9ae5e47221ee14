"""HTTP to one registry: where it is, who asks, and when to ask again.

Tokens are fetched as the distribution specification's token authentication says; a request is
repeated after a network error, a 429 or a 5xx, never after another refusal.
"""

from __future__ import annotations

import base64
import functools
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import anyio
import httpx

from keelway.errors import RegistryError, redact
from keelway.registry.content import json_object
from keelway.registry.logins import TOKEN_USER
from keelway.tags.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from keelway.registry.logins import Login

_HUB_HOST = "registry-1.docker.io"
_LOOPBACK = re.compile(r"^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT_S = 30.0
_ATTEMPTS = 4
_DELAY_S = 0.5
_LONGEST_DELAY_S = 20.0
_TOO_MANY = 429
_SERVER_ERROR = 500
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


def is_loopback(host: str) -> bool:
    """Return whether a registry is on this machine, where plain HTTP is what everybody speaks."""
    return _LOOPBACK.fullmatch(host) is not None


@functools.cache
def _trust() -> ssl.SSLContext:
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
        self._host = host
        self._login = login
        self._stage = stage
        plain = is_loopback(host)
        address = _HUB_HOST if host == DOCKER_HUB else host
        self._client = httpx.AsyncClient(
            base_url=f"{'http' if plain else 'https'}://{address}",
            verify=_trust() if not plain else False,
            timeout=_TIMEOUT_S,
            follow_redirects=True,
            trust_env=not plain,
        )
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
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                answer = await self._authorized(method, url, scope, headers, data, query)
            except httpx.TransportError as error:
                if last:
                    raise self._unreachable(error) from error
                wait = 0.0
            else:
                lasts = answer.status != _TOO_MANY and answer.status < _SERVER_ERROR
                if lasts or last:
                    return answer
                wait = _retry_after(answer)
            await anyio.sleep(max(wait, min(_DELAY_S * 2 ** (attempt - 1), _LONGEST_DELAY_S)))
        raise AssertionError("the last attempt returns or raises")

    def refused(self, doing: str, answer: Answer) -> RegistryError:
        """Return the error for an answer that is not what was asked for."""
        login = answer.status in {_UNAUTHORIZED, 403}
        return RegistryError(
            f"{self._host} refused {doing}: HTTP {answer.status}",
            stage=self._stage,
            status=answer.status,
            why=answer.text or None,
            next_step="log in with an account that may do this" if login else None,
        )

    async def _authorized(
        self,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None,
        data: bytes | None,
        query: Mapping[str, str] | None,
    ) -> Answer:
        """Send once, and once more with a token when the registry asks for one."""
        used = self._authorization.get(scope)
        answer = await self._once(method, url, scope, headers, data, query)
        if answer.status != _UNAUTHORIZED:
            return answer
        async with self._asking:
            if self._authorization.get(scope) == used:  # nobody else asked meanwhile
                challenge = answer.headers.get("www-authenticate", "")
                self._authorization[scope] = await self._authorization_for(challenge, scope)
        return await self._once(method, url, scope, headers, data, query)

    async def _once(
        self,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None,
        data: bytes | None,
        query: Mapping[str, str] | None,
    ) -> Answer:
        sent = dict(headers or {})
        if scope in self._authorization:
            sent["Authorization"] = self._authorization[scope]
        answer = await self._client.request(
            method, url, headers=sent, content=data, params=query or None
        )
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(status=answer.status_code, headers=lowered, data=answer.content)

    async def _authorization_for(self, challenge: str, scope: str) -> str:
        """Return what the registry wants to see, by its challenge (RFC 7235, section 4.1)."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            if self._login is None:
                raise self._not_logged_in()
            account = f"{self._login.username}:{self._login.password}".encode()
            return f"Basic {base64.b64encode(account).decode()}"
        if scheme.lower() != "bearer":
            raise RegistryError(
                f"{self._host} asks for an unknown kind of login: {scheme or 'none is named'}",
                stage=self._stage,
                status=_UNAUTHORIZED,
            )
        return f"Bearer {await self._token(dict(_CHALLENGE.findall(rest)), scope)}"

    async def _token(self, wanted: Mapping[str, str], scope: str) -> str:
        fields = {"service": wanted.get("service", ""), "scope": wanted.get("scope", scope)}
        realm = wanted.get("realm", "")
        login = self._login
        if login is not None and login.username == TOKEN_USER:
            form = {
                **fields,
                "grant_type": "refresh_token",
                "refresh_token": login.password,
                "client_id": "keelway",
            }
            answer = await self._client.post(realm, data=form)
        else:
            account = None if login is None else (login.username, login.password)
            answer = await self._client.get(realm, params=fields, auth=account)
        if not answer.is_success:
            raise self._not_logged_in() if login is None else self._bad_login(answer.status_code)
        try:
            document = json_object(answer.content)
            token = document.get("token") or document.get("access_token")
        except ValueError:
            token = None
        if not token:
            raise RegistryError(
                f"{realm}, where {self._host} sends its users to, gave no token",
                stage=self._stage,
                next_step="check the registry's address; something else may answer in its place",
            )
        return str(token)

    def _not_logged_in(self) -> RegistryError:
        return RegistryError(
            f"{self._host} asks for a login, and there is none",
            stage=self._stage,
            status=_UNAUTHORIZED,
            next_step=f"give username and password of the registry, or `docker login {self._host}`",
        )

    def _bad_login(self, status: int) -> RegistryError:
        return RegistryError(
            f"{self._host} refused the login",
            stage=self._stage,
            status=status,
            next_step="check username and password; a token may have expired",
        )

    def _unreachable(self, error: Exception) -> RegistryError:
        return RegistryError(
            f"{self._host} cannot be reached",
            stage=self._stage,
            why=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
            next_step="check its address and the network, and run again",
        )


def _retry_after(answer: Answer) -> float:
    given = answer.headers.get("retry-after", "")
    return min(float(given), _LONGEST_DELAY_S) if given.isdecimal() else 0.0
