"""GitHub's container registry: it refuses the common API, and deletes by GitHub's packages API.

https://docs.github.com/en/rest/packages/packages: each manifest is a version of a package, whose
name is its digest; versions without a tag are listed too. The token needs `delete:packages`, or
the job `packages: write` where it is of the repository that published the package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from keelway.errors import RegistryError
from keelway.model.image import Digest
from keelway.registry.describing import read_moment
from keelway.retention.removers.calling import call, objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from keelway.registry.logins import Login

_PAGE = 100
_MOST_PAGES = 200


@dataclass(slots=True)
class Ghcr:
    """The versions of one package."""

    path: str
    """`owner/package`."""
    login: Login
    base: str = "https://api.github.com"
    _ids: dict[Digest, int] = field(default_factory=dict[Digest, int])
    _package: str | None = None

    async def pushed(self) -> Mapping[Digest, datetime]:
        """Return all versions, tagged or not, with when they were pushed.

        Raises:
            RegistryError: GitHub refuses, or has no such package.
        """
        package = await self._address()
        found: dict[Digest, datetime] = {}
        for page in range(1, _MOST_PAGES + 1):
            url = f"{package}/versions?per_page={_PAGE}&page={page}"
            listed = objects(await self._call("GET", url, "to list versions"))
            for version in listed:
                digest = Digest(str(version.get("name")))
                at = read_moment(version.get("created_at"))
                self._ids[digest] = int(version["id"])
                if at is not None:
                    found[digest] = at
            if len(listed) < _PAGE:
                break
        return found

    async def delete(self, digest: Digest, tags: Sequence[str]) -> bool:
        """Delete a version, and return whether it was there.

        Raises:
            RegistryError: GitHub refuses; the last version of a package, for example.
        """
        if not self._ids:
            await self.pushed()
        number = self._ids.get(digest)
        if number is None:
            return False
        named = f" ({', '.join(tags)})" if tags else ""
        url = f"{await self._address()}/versions/{number}"
        return await self._call("DELETE", url, f"to delete {digest}{named}") is not None

    async def _address(self) -> str:
        """Return the address of the package, which an organisation or a person owns."""
        if self._package is None:
            owner, _, name = self.path.partition("/")
            for kind in ("orgs", "users"):
                address = f"{self.base}/{kind}/{owner}/packages/container/{quote(name, safe='')}"
                if await self._call("GET", address, "to find the package") is not None:
                    self._package = address
                    break
            else:
                raise RegistryError(
                    f"GitHub has no package {self.path}, or the token may not see it",
                    stage="retention",
                    next_step="give a token with read:packages and delete:packages",
                )
        return self._package

    async def _call(self, method: str, url: str, doing: str) -> object:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.login.password}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return await call(method, url, headers=headers, doing=doing)
