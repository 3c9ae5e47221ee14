"""The registries of the configuration: whether they answer, and whether there is a login."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

import httpx

from keelway._together import each
from keelway.diagnosis.check import Check
from keelway.errors import PlanError, RegistryError
from keelway.registry.providers.known import REMEDIES, provider_of
from keelway.registry.transport import is_loopback
from keelway.tags.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.config import RegistryConfig
    from keelway.registry.keyring import Keyring

GROUP = "registries"
_WITHIN_S = 10.0
_ANSWERS = frozenset({200, 401})
_OPEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a registry said."""

    checks: tuple[Check, ...]
    time: tuple[str, float] | None
    """Who it is, and its time less what this machine's clock says; nothing when it told none."""


async def check_registries(
    registries: Sequence[RegistryConfig], environ: Mapping[str, str], keyring: Keyring
) -> list[Answered]:
    """Return how each registry stands, all asked at once.

    Args:
        registries: As configured.
        environ: The environment, for passwords in it.
        keyring: The logins of this machine and of the configuration.
    """
    return list(await each(partial(_check, environ, keyring), registries))


async def _check(
    environ: Mapping[str, str], keyring: Keyring, registry: RegistryConfig
) -> Answered:
    host = registry.url.partition("/")[0]
    address = "registry-1.docker.io" if host == DOCKER_HUB else host
    url = f"{'http' if is_loopback(host) else 'https'}://{address}/v2/"
    status: int | None = None
    told: tuple[str, float] | None = None
    try:
        async with httpx.AsyncClient(
            timeout=_WITHIN_S, verify=ssl.create_default_context()
        ) as client:
            answer = await client.get(url)
        status = answer.status_code
        text = f"answers with {status}"
        told = _told(host, answer.headers.get("date"))
    except (httpx.HTTPError, OSError) as error:
        text = f"does not answer: {str(error) or type(error).__name__}"
    reached = Check(
        group=GROUP,
        name=host,
        ok=status in _ANSWERS,
        text=text,
        purpose=f"publish to {registry.url}",
        needed=True,
        remedy="" if status in _ANSWERS else f"curl -sI {url}",
    )
    login = await _login(registry, host, environ, keyring, is_open=status == _OPEN)
    return Answered(checks=(reached, login), time=told)


def _told(host: str, date: str | None) -> tuple[str, float] | None:
    try:
        said = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return host, said - time.time()


async def _login(
    registry: RegistryConfig,
    host: str,
    environ: Mapping[str, str],
    keyring: Keyring,
    *,
    is_open: bool,
) -> Check:
    ok, text = await _logged_in(registry, environ, keyring)
    remedy = f"docker login {host}, or username and password of this registry in keelway.toml"
    if registry.login is not None:
        remedy = REMEDIES[registry.login]
    if not ok and is_open:
        ok, text = True, "none, and it answers without one"
    return Check(
        group=GROUP,
        name=f"login {host}",
        ok=ok,
        text=text,
        purpose=f"publish to {registry.url}",
        remedy="" if ok else remedy,
    )


async def _logged_in(
    registry: RegistryConfig, environ: Mapping[str, str], keyring: Keyring
) -> tuple[bool, str]:
    if registry.password is not None:
        kind, _, name = registry.password.partition("://")
        who = registry.username or registry.login
        if kind == "env" and not environ.get(name):
            return False, f"configured as {who}, and {name} is not set"
        if registry.username is not None:
            return True, f"configured as {who}, password from {registry.password}"
    try:
        found = await keyring.find(f"{registry.url.rstrip('/')}/image")
    except (PlanError, RegistryError) as error:
        return False, error.message
    if found is None:
        return False, "there is none on this machine"
    host = registry.url.partition("/")[0]
    provider = registry.login or provider_of(host, of_gitlab_job="CI_REGISTRY" in environ)
    if found.expires_at is not None:
        minutes = int((found.expires_at - time.time()) // 60)
        return True, f"as {found.username}, by {provider}, for {minutes} minutes"
    own = "this machine's own logins"
    return True, f"as {found.username}, by {own if provider == 'docker-config' else provider}"
