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
from keelway.errors import PlanError
from keelway.registry.logins import load_logins
from keelway.registry.transport import is_loopback
from keelway.tags.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.config import RegistryConfig
    from keelway.registry.logins import Logins

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
    registries: Sequence[RegistryConfig], environ: Mapping[str, str], files: Sequence[str]
) -> list[Answered]:
    """Return how each registry stands, all asked at once.

    Args:
        registries: As configured.
        environ: The environment, for passwords in it.
        files: Where this machine's logins are kept.
    """
    try:
        logins: Logins | PlanError = await load_logins(files)
    except PlanError as error:
        logins = error
    return list(await each(partial(_check, environ, logins), registries))


async def _check(
    environ: Mapping[str, str], logins: Logins | PlanError, registry: RegistryConfig
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
    login = await _login(registry, host, environ, logins, is_open=status == _OPEN)
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
    logins: Logins | PlanError,
    *,
    is_open: bool,
) -> Check:
    ok, text = await _logged_in(registry, host, environ, logins)
    remedy = f"docker login {host}, or username and password of this registry in keelway.toml"
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
    registry: RegistryConfig, host: str, environ: Mapping[str, str], logins: Logins | PlanError
) -> tuple[bool, str]:
    if registry.password is not None:
        kind, _, name = registry.password.partition("://")
        if kind == "env" and not environ.get(name):
            return False, f"configured as {registry.username}, and {name} is not set"
        return True, f"configured as {registry.username}, password from {registry.password}"
    if isinstance(logins, PlanError):
        return False, logins.message
    try:
        found = await logins.find(host)
    except PlanError as error:
        return False, error.message
    if found is None:
        return False, "there is none on this machine"
    return True, f"as {found.username}, by this machine's own logins"
