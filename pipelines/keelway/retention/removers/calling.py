"""Requests to a provider's own API, in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx

from keelway.errors import RegistryError, redact
from keelway.registry.retrying import ATTEMPTS, is_passing, pause_s
from keelway.registry.transport import trust

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 30.0
_SHOWN = 300
_NOT_FOUND = 404


async def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    doing: str,
    body: Mapping[str, Any] | None = None,
) -> object:
    """Return the document that is answered; nothing for 404, and for an answer without one.

    Args:
        method: As HTTP writes it.
        url: The whole address.
        headers: With who asks.
        doing: What it is for, for errors.
        body: What is sent, as JSON.

    Raises:
        RegistryError: Nobody answers, or the provider refuses.
    """
    where = httpx.URL(url).host
    async with httpx.AsyncClient(verify=trust(), timeout=_TIMEOUT_S) as client:
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = await client.request(method, url, headers=dict(headers), json=body)
            except httpx.TransportError as error:
                if last:
                    raise RegistryError(
                        f"{where} cannot be reached {doing}",
                        stage="retention",
                        why=str(error) or type(error).__name__,
                    ) from error
            else:
                if last or not is_passing(answer.status_code):
                    return _document(answer, where, doing)
            await anyio.sleep(pause_s(attempt, 0.0))
    raise AssertionError("the last attempt returns or raises")


def _document(answer: httpx.Response, where: str, doing: str) -> object:
    if answer.status_code == _NOT_FOUND:
        return None
    if not answer.is_success:
        raise RegistryError(
            f"{where} refused {doing}: HTTP {answer.status_code}",
            stage="retention",
            status=answer.status_code,
            why=redact(answer.text.strip())[:_SHOWN] or None,
            next_step="check what the token may do: deleting packages is a permission of its own",
        )
    if not answer.content:
        return True
    try:
        return cast("object", json.loads(answer.content))
    except ValueError as error:
        raise RegistryError(
            f"{where} answered no JSON {doing}", stage="retention", why=str(error)
        ) from error


def objects(found: object) -> list[Mapping[str, Any]]:
    """Return the objects in a list; none when it is something else."""
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Mapping[str, Any]", one) for one in listed if isinstance(one, dict)]


def document_of(found: object) -> Mapping[str, object]:
    """Return the object that was answered; an empty one where it is something else."""
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}
