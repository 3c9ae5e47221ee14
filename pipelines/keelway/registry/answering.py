"""Which registries answer at all: asked by their own first question, without a login."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

from keelway.registry.transport import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

_WITHIN_S = 4.0
_ANSWERS = frozenset({httpx.codes.OK, httpx.codes.UNAUTHORIZED})


def first_that_answers(hosts: Iterable[str]) -> str | None:
    """Return the first of some registries that answers; nothing when none does.

    Args:
        hosts: Registries, with their port where they have one.
    """
    trust = ssl.create_default_context()
    for host in hosts:
        address = f"{'http' if is_loopback(host) else 'https'}://{host}/v2/"
        try:
            answer = httpx.get(address, timeout=_WITHIN_S, verify=trust)
        except httpx.HTTPError:
            continue
        if answer.status_code in _ANSWERS:
            return host
    return None
