"""Logins of this machine, as `docker login`, `podman login` and their helpers keep them.

The form is Docker's `config.json`: `auths`, `credHelpers`, `credsStore`. A helper is a program
`docker-credential-NAME` that is given the registry on standard input.

Example:
    >>> parse_logins('{"auths": {"localhost:5000": {"auth": "Y2k6c2VjcmV0"}}}').kept
    {'localhost:5000': Login(username='ci', password='***')}
"""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from keelway.errors import PlanError
from keelway.registry.content import json_object
from keelway.tags.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

TOKEN_USER = "<token>"  # noqa: S105 - what helpers answer as the name beside an identity token
_MARGIN_S = 120.0
"""A login that ends in this time is fetched anew."""
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Whom to log in as; the password does not show when it is printed."""

    username: str
    password: str
    expires_at: float | None = None
    """Seconds since 1970; nothing when it lasts."""
    renew: Callable[[], Awaitable[Login]] | None = field(default=None, compare=False)
    """Gives the next one."""

    async def fresh(self, *, now: float, refused: bool = False) -> Login:
        """Return a login that still counts: itself, or the next one when it is about to end.

        Args:
            now: Seconds since 1970.
            refused: Whether the registry took no more what it had taken before.

        Raises:
            KeelwayError: Who gives logins gives none.
        """
        over = self.expires_at is not None and now > self.expires_at - _MARGIN_S
        if self.renew is None or not (over or refused):
            return self
        return await self.renew()

    def __repr__(self) -> str:
        """Return it without the password."""
        return f"Login(username={self.username!r}, password='***')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """Logins by registry, and the helpers that know more."""

    kept: Mapping[str, Login] = field(default_factory=dict[str, Login])
    helpers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name of the helper by registry."""
    store: str | None = None
    """Name of the helper for all other registries."""

    async def find(self, host: str) -> Login | None:
        """Return the login for a registry; nothing when there is none.

        Raises:
            PlanError: A helper that the file names is not installed, or broke.
        """
        for key in (host, *(_HUB_KEYS if host == DOCKER_HUB else ())):
            if key in self.kept:
                return self.kept[key]
        helper = self.helpers.get(host, self.store)
        if helper is None:
            return None
        key = _HUB_KEYS[0] if host == DOCKER_HUB else host
        return await _ask(f"docker-credential-{helper}", key)


def parse_logins(text: str) -> Logins:
    """Return the logins in a Docker configuration.

    Raises:
        ValueError: It is no such file.
    """
    document = json_object(text)
    auths: Mapping[str, Any] = document.get("auths") or {}
    found = {_host(key): _login(entry) for key, entry in auths.items()}
    helpers: Mapping[str, str] = document.get("credHelpers") or {}
    return Logins(
        kept={key: login for key, login in found.items() if login is not None},
        helpers=dict(helpers),
        store=document.get("credsStore") or None,
    )


async def load_logins(files: Sequence[str]) -> Logins:
    """Return the logins of the first file that exists; none when none does.

    Raises:
        PlanError: It cannot be read.
    """
    for file in files:
        path = anyio.Path(file)
        try:
            return parse_logins(await path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError) as error:
            raise PlanError(
                f"the logins in {file} cannot be read",
                why=str(error),
                next_step="log in again, or remove the file",
            ) from error
    return Logins()


def _login(entry: Mapping[str, Any]) -> Login | None:
    if entry.get("identitytoken"):
        return Login(username=TOKEN_USER, password=str(entry["identitytoken"]))
    if entry.get("auth"):
        user, _, password = base64.b64decode(str(entry["auth"])).decode().partition(":")
        return Login(username=user, password=password.rstrip("\0"))
    if entry.get("username"):
        return Login(username=str(entry["username"]), password=str(entry.get("password", "")))
    return None


def _host(key: str) -> str:
    """Return the registry that a key names; old files write addresses."""
    if key in _HUB_KEYS:
        return DOCKER_HUB
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


async def _ask(helper: str, host: str) -> Login | None:
    remedy = f"install {helper}, or log in without it (remove it from Docker's config.json)"
    try:
        # A file, not a pipe: a helper that breaks may end before it has read.
        with tempfile.TemporaryFile() as asked:
            asked.write(host.encode())
            asked.seek(0)
            done = await anyio.run_process([helper, "get"], stdin=asked, check=False)
    except OSError as error:
        raise PlanError(
            f"the login for {host} is kept by {helper}, which cannot be run",
            why=error.strerror,
            next_step=remedy,
        ) from error
    if done.returncode != 0:
        said = (done.stdout or done.stderr).decode(errors="replace").strip()
        if "not found" in said.lower():
            return None
        raise PlanError(f"{helper} gave no login for {host}", why=said, next_step=remedy)
    try:
        answer = json_object(done.stdout)
        return Login(username=str(answer["Username"]), password=str(answer["Secret"]))
    except (ValueError, KeyError) as error:
        # Not what it answered: there may be a password in it.
        raise PlanError(
            f"{helper} answered what is no login for {host}", next_step=remedy
        ) from error
