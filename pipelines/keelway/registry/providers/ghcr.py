"""GitHub's container registry: any name beside a token with `packages` rights.

In a workflow that is GITHUB_TOKEN and the actor (GitHub Docs, "Working with the Container
registry").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.registry.logins import Login

if TYPE_CHECKING:
    from keelway.registry.providers.given import Given


async def log_in(given: Given) -> Login | None:
    """Return the login; nothing when there is no token."""
    known = given.variables
    token = given.password or known.get("GITHUB_TOKEN") or known.get("GH_TOKEN")
    if token is None:
        return None
    return Login(username=known.get("GITHUB_ACTOR") or "github", password=token)
