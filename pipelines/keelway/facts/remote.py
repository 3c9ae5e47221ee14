"""Which repository of GitHub this is, and where its REST API is.

Example:
    >>> parse_repository("https://github.com/acme/shop.git")
    ('github.com', 'acme/shop')
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.facts.here import Facts

_ADDRESS = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/\s]+@)?(?P<host>[^/:\s]+(?::\d+(?=/))?)[/:](?P<path>[^/\s]+/[^/\s]+?)(?:\.git)?/?"
)
_GITHUB = "github.com"


def parse_repository(address: str) -> tuple[str, str] | None:
    """Return host and `owner/name` of a repository's address, as git or a browser has it."""
    found = _ADDRESS.fullmatch(address)
    return None if found is None else (found["host"], found["path"])


def github_repository(facts: Facts) -> str | None:
    """Return `owner/name` as the CI's job, else the remote, has it."""
    found = _found(facts)
    return None if found is None else found[1]


def github_api(facts: Facts) -> str:
    """Return the REST API's address: an own server's is below `/api/v3`."""
    found = _found(facts)
    host = _GITHUB if found is None else found[0]
    return "https://api.github.com" if host == _GITHUB else f"https://{host}/api/v3"


def _found(facts: Facts) -> tuple[str, str] | None:
    job = facts.job
    if job is not None and job.provider == "github" and job.repository:
        return parse_repository(job.repository)
    remote = None if facts.commit is None else facts.commit.remote
    found = None if remote is None else parse_repository(remote)
    return found if found is not None and "github" in found[0] else None
