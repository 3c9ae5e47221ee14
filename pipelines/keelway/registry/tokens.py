"""What a registry wants to see of who asks: the distribution specification's token authentication.

Its challenge names the place that gives tokens; an identity token is exchanged there as OAuth 2.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from keelway.errors import RegistryError
from keelway.registry.content import json_object
from keelway.registry.logins import TOKEN_USER
from keelway.registry.retrying import is_passing

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from keelway.registry.logins import Login

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_UNAUTHORIZED = 401


class Tokens:
    """Asks for what one registry wants to see."""

    def __init__(self, client: httpx.AsyncClient, host: str, *, stage: str) -> None:
        """Keep the way to it.

        Args:
            client: What requests are sent with.
            host: The registry, for errors.
            stage: Which stage it is for, for errors.
        """
        self._client = client
        self._host = host
        self._stage = stage

    async def authorization(
        self, challenge: str, scope: str, login: Login | None
    ) -> str | httpx.Response:
        """Return the header for a challenge (RFC 7235, section 4.1), or an answer that may pass.

        Args:
            challenge: The header `WWW-Authenticate`.
            scope: What a token must allow; several are parted by spaces.
            login: Whom to log in as.

        Raises:
            RegistryError: There is no login, it is refused, or the challenge is unknown.
        """
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            if login is None:
                raise self.not_logged_in()
            account = f"{login.username}:{login.password}".encode()
            return f"Basic {base64.b64encode(account).decode()}"
        if scheme.lower() != "bearer":
            raise RegistryError(
                f"{self._host} asks for an unknown kind of login: {scheme or 'none is named'}",
                stage=self._stage,
                status=_UNAUTHORIZED,
            )
        return await self._bearer(dict(_CHALLENGE.findall(rest)), scope, login)

    async def _bearer(
        self, wanted: Mapping[str, str], scope: str, login: Login | None
    ) -> str | httpx.Response:
        realm = wanted.get("realm", "")
        answer = await self._ask(realm, wanted, scope, login)
        if is_passing(answer.status_code):
            return answer
        if not answer.is_success:
            raise self.not_logged_in() if login is None else self.bad_login(answer.status_code)
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
        return f"Bearer {token}"

    async def _ask(
        self, realm: str, wanted: Mapping[str, str], scope: str, login: Login | None
    ) -> httpx.Response:
        service = wanted.get("service", "")
        # The challenge is about one repository; what is mounted comes from a second one.
        scopes = [wanted.get("scope", scope.partition(" ")[0]), *scope.split(" ")[1:]]
        if login is not None and login.username == TOKEN_USER:
            form = {
                "service": service,
                "scope": " ".join(scopes),
                "grant_type": "refresh_token",
                "refresh_token": login.password,
                "client_id": "keelway",
            }
            return await self._client.post(realm, data=form)
        account = None if login is None else (login.username, login.password)
        return await self._client.get(
            realm, params={"service": service, "scope": scopes}, auth=account
        )

    def not_logged_in(self) -> RegistryError:
        """Return the error for a registry that wants to know who asks."""
        return RegistryError(
            f"{self._host} asks for a login, and there is none",
            stage=self._stage,
            status=_UNAUTHORIZED,
            next_step=f"give username and password of the registry, or `docker login {self._host}`",
        )

    def bad_login(self, status: int) -> RegistryError:
        """Return the error for a login that does not count."""
        return RegistryError(
            f"{self._host} refused the login",
            stage=self._stage,
            status=status,
            next_step="check username and password; a token may have expired",
        )
