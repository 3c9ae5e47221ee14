"""Quay: robot accounts by name and token; an OAuth token goes by the name `$oauthtoken`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.registry.logins import Login

if TYPE_CHECKING:
    from keelway.registry.providers.given import Given

_OAUTH_USER = "$oauthtoken"


async def log_in(given: Given) -> Login | None:
    """Return the login of an OAuth token; nothing when there is none."""
    if given.password is None:
        return None
    return Login(username=_OAUTH_USER, password=given.password)
