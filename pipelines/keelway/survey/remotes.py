"""What a git remote's address says: whose repository it is, and which registry belongs to it.

Example:
    >>> project_of("git@github.com:Acme/Shop.git"), registry_of("git@github.com:Acme/Shop.git")
    ('Acme/Shop', 'ghcr.io/acme')
    >>> registry_of("https://gitlab.com/acme/web/shop.git"), registry_of("/srv/git/shop.git")
    ('registry.gitlab.com/acme/web', '')
"""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"^(?:[a-z+]+://)?(?:[^@/]+@)?(?P<host>[A-Za-z0-9.-]+\.[A-Za-z]+)(?::\d+)?[:/](?P<path>[^:]+?)"
    r"(?:\.git)?/?$"
)
_REGISTRIES = {"github.com": "ghcr.io", "gitlab.com": "registry.gitlab.com"}


def _parts(remote: str) -> tuple[str, str]:
    found = _ADDRESS.match(remote)
    return ("", "") if found is None else (found["host"].lower(), found["path"].strip("/"))


def project_of(remote: str) -> str:
    """Return the project's path at its host, as `owner/name`; nothing where there is no host."""
    return _parts(remote)[1]


def page_of(remote: str) -> str:
    """Return the address of the project for a browser; nothing where there is no host.

    >>> page_of("git@github.com:acme/shop.git")
    'https://github.com/acme/shop'
    """
    host, path = _parts(remote)
    return f"https://{host}/{path}" if host else ""


def registry_of(remote: str) -> str:
    """Return the prefix of the repositories in the registry of the project's own host."""
    host, path = _parts(remote)
    registry = _REGISTRIES.get(host)
    owner = path.rpartition("/")[0].lower()
    return f"{registry}/{owner}" if registry and owner else ""
