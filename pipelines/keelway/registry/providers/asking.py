"""How logins are exchanged: by HTTP, and by the provider's own program."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from keelway.errors import PlanError, RegistryError, redact
from keelway.registry.content import json_object
from keelway.registry.retrying import ATTEMPTS, is_passing, pause_s, retry_after
from keelway.registry.transport import is_loopback, trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STAGE = "login"
_TIMEOUT_S = 20.0
_METADATA_TIMEOUT_S = 2.0
_SHOWN = 300


async def exchange(
    request: httpx.Request, *, what: str, secrets: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the JSON object that a provider answers; what can pass is asked again.

    Args:
        request: What is asked.
        what: The thing that is asked for, for errors.
        secrets: What must not be shown.

    Raises:
        RegistryError: The provider does not answer, or refuses.
    """
    where = request.url.host
    async with httpx.AsyncClient(verify=trust(), timeout=_TIMEOUT_S) as client:
        for attempt in range(1, ATTEMPTS + 1):
            wait = 0.0
            try:
                answer = await client.send(request)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise RegistryError(
                        f"{where}, which gives {what}, cannot be reached",
                        stage=STAGE,
                        why=str(error) or type(error).__name__,
                        next_step="check the network, and run again",
                    ) from error
            else:
                if attempt == ATTEMPTS or not is_passing(answer.status_code):
                    return _object(answer, what, secrets)
                wait = retry_after({k.lower(): v for k, v in answer.headers.items()}, now=now())
            await anyio.sleep(pause_s(attempt, wait))
    raise AssertionError("the last attempt returns or raises")


def _object(answer: httpx.Response, what: str, secrets: Sequence[str]) -> dict[str, Any]:
    where = answer.request.url.host
    if not answer.is_success:
        raise RegistryError(
            f"{where} refused {what}: HTTP {answer.status_code}",
            stage=STAGE,
            status=answer.status_code,
            why=redact(answer.text.strip(), secrets)[:_SHOWN] or None,
            next_step="check whom the login is for, and what it may do",
        )
    try:
        return json_object(answer.content)
    except ValueError as error:
        raise RegistryError(f"{where} answered what is not {what}", stage=STAGE) from error


async def metadata(url: str, *, headers: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the metadata server of a cloud's machine answers; nothing where there is none.

    Args:
        url: Its address.
        headers: What it wants to see.
    """
    async with httpx.AsyncClient(timeout=_METADATA_TIMEOUT_S, trust_env=False) as client:
        try:
            answer = await client.get(url, headers=dict(headers))
            return json_object(answer.content) if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            return None


async def output_of(words: Sequence[str], *, what: str) -> str | None:
    """Return what a provider's own program prints; nothing where it is not installed.

    Args:
        words: The command.
        what: The thing that it gives, for errors.

    Raises:
        PlanError: It gives nothing.
    """
    try:
        done = await anyio.run_process(words, check=False)
    except OSError:
        return None
    said = done.stdout.decode(errors="replace").strip()
    if done.returncode == 0 and said:
        return said
    raise PlanError(
        f"{words[0]} did not give {what}",
        why=redact(done.stderr.decode(errors="replace").strip())[-_SHOWN:] or None,
        next_step=f"run `{' '.join(words)}` yourself, and log in to {words[0]} if it asks for it",
    )


def text_of(answer: Mapping[str, Any], key: str, *, what: str) -> str:
    """Return a text in an answer.

    Raises:
        RegistryError: It is not there.
    """
    found = answer.get(key)
    if not isinstance(found, str) or not found:
        raise RegistryError(f"{what} was answered without {key}", stage=STAGE)
    return found


def address_of(host: str) -> str:
    """Return the address of a registry itself."""
    return f"{'http' if is_loopback(host) else 'https'}://{host}"


def now() -> float:
    """Return seconds since 1970."""
    return time.time()
