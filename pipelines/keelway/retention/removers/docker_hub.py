"""Docker Hub: where it refuses the common API, tags are deleted by Hub's own.

https://docs.docker.com/reference/api/hub/latest/: tags are listed with when they were pushed;
deleted they are one by one, as Docker's own hub-tool does it. What has no tag is not there for that
API, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.errors import RegistryError
from keelway.model.image import Digest
from keelway.registry.describing import read_moment
from keelway.retention.removers.calling import call, document_of, objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from keelway.registry.logins import Login

_MOST_PAGES = 200


@dataclass(slots=True)
class DockerHub:
    """The tags of one repository."""

    path: str
    """`namespace/repository`."""
    login: Login
    base: str = "https://hub.docker.com"
    _token: str | None = None

    async def pushed(self) -> Mapping[Digest, datetime]:
        """Return what tags name, with when they were pushed last.

        Raises:
            RegistryError: Docker Hub refuses.
        """
        found: dict[Digest, datetime] = {}
        url: str | None = f"{self._repository}/tags?page_size=100"
        for _ in range(_MOST_PAGES):
            if url is None:
                break
            page = await self._call("GET", url, "to list tags")
            document = document_of(page)
            for tag in objects(document.get("results")):
                at = read_moment(tag.get("tag_last_pushed") or tag.get("last_updated"))
                if at is not None and tag.get("digest"):
                    digest = Digest(str(tag["digest"]))
                    found[digest] = max(at, found.get(digest, at))
            following = document.get("next")
            url = following if isinstance(following, str) else None
        return found

    async def delete(self, digest: Digest, tags: Sequence[str]) -> bool:
        """Delete the tags of a manifest, and return whether one of them was there.

        Raises:
            RegistryError: Docker Hub refuses, or the manifest has no tag.
        """
        if not tags:
            raise RegistryError(
                f"Docker Hub deletes what has a tag, and {digest} has none",
                stage="retention",
                next_step="nothing needs to be done: it is not shown, and goes with the repository",
            )
        there = [
            await self._call(
                "DELETE", f"{self.base}/v2/repositories/{self.path}/tags/{tag}/", f"to delete {tag}"
            )
            for tag in tags
        ]
        return any(one is not None for one in there)

    @property
    def _repository(self) -> str:
        namespace, _, name = self.path.partition("/")
        return f"{self.base}/v2/namespaces/{namespace}/repositories/{name}"

    async def _call(self, method: str, url: str, doing: str) -> object:
        if self._token is None:
            self._token = await self._log_in()
        headers = {"Authorization": f"Bearer {self._token}"}
        return await call(method, url, headers=headers, doing=doing)

    async def _log_in(self) -> str:
        account = {"identifier": self.login.username, "secret": self.login.password}
        found = await call(
            "POST", f"{self.base}/v2/auth/token", headers={}, doing="to log in", body=account
        )
        token = document_of(found).get("access_token")
        if not isinstance(token, str):
            raise RegistryError("Docker Hub gave no token", stage="retention")
        return token
