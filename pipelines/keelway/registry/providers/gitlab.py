"""GitLab: what a job gets for its own registry (GitLab Docs, "Authenticate with the registry").

A job's variables are for the registry that CI_REGISTRY names, and never sent to another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.registry.logins import Login

if TYPE_CHECKING:
    from keelway.registry.providers.given import Given

# User and password, in the order in which they count.
_PAIRS = (
    ("CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"),
    ("CI_REGISTRY_USER", "CI_JOB_TOKEN"),
    ("CI_DEPLOY_USER", "CI_DEPLOY_PASSWORD"),
)
_JOB_USER = "gitlab-ci-token"


async def log_in(given: Given) -> Login | None:
    """Return the login; nothing outside of a job that has this registry."""
    if given.password is not None:
        # GitLab looks at the token alone where it is a personal, project or group access token.
        return Login(username=_JOB_USER, password=given.password)
    known = given.variables
    if known.get("CI_REGISTRY") != given.host:
        return None
    for user, password in _PAIRS:
        if user in known and password in known:
            return Login(username=known[user], password=known[password])
    token = known.get("CI_JOB_TOKEN")
    return None if token is None else Login(username=_JOB_USER, password=token)
