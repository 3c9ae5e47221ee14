"""Docker Hub: a personal access token in place of the password (Docker Docs, "Access tokens").

The variables are those of Docker's own examples for CI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.registry.logins import Login

if TYPE_CHECKING:
    from keelway.registry.providers.given import Given


async def log_in(given: Given) -> Login | None:
    """Return the login; nothing when there is none."""
    user, token = given.variables.get("DOCKERHUB_USERNAME"), given.variables.get("DOCKERHUB_TOKEN")
    if user is None or token is None:
        return None
    return Login(username=user, password=token)
