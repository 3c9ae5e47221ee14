"""Manifests deleted from a registry: by the OCI specification, else by its provider's own API.

The specification leaves it to registries whether they delete anything (distribution specification
1.1, "Content Management"); those that don't answer 405. GHCR and Docker Hub have APIs of their own
then; of others it is told what to do there.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from keelway.errors import RegistryError
from keelway.registry.content import ACCEPTED_TYPES
from keelway.registry.providers.known import provider_of
from keelway.registry.transport import Transport
from keelway.retention.removers.docker_hub import DockerHub
from keelway.retention.removers.ghcr import Ghcr
from keelway.tags.reference import parse_repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from datetime import datetime

    from keelway.model.image import Digest
    from keelway.model.registry import Provider
    from keelway.registry.logins import Login
    from keelway.registry.transport import Answer

_STAGE = "retention"
_NOT_FOUND = 404
_NOT_ALLOWED = 405
_BAD_REQUEST = 400

_WAYS_OUT: Mapping[str, str] = {
    "ecr": "ECR deletes by its own API: `aws ecr batch-delete-image`, or by a lifecycle policy",
    "gar": "let the account delete (roles/artifactregistry.repoAdmin), or set a cleanup policy",
    "acr": "unlock the manifest, or delete it by `az acr manifest delete`",
    "harbor": "let the account delete artifacts, or remove the project's immutability rule",
    "quay": "give the robot account write permission, or set an expiration on the tags",
    "gitlab": "let the account delete images, or set a cleanup policy of the project",
}
_WAY_OUT = (
    "let the registry delete: Docker's own has storage.delete.enabled "
    "(REGISTRY_STORAGE_DELETE_ENABLED=true)"
)


class ProviderApi(Protocol):
    """What a provider's own API does."""

    async def pushed(self) -> Mapping[Digest, datetime]:
        """Return all digests that it lists, untagged ones too, with when they were pushed."""
        ...

    async def delete(self, digest: Digest, tags: Sequence[str]) -> bool:
        """Delete a manifest with its tags, and return whether it was there."""
        ...


@dataclass(slots=True)
class Remover:
    """Deletes from one repository."""

    repository: str
    transport: Transport
    path: str
    provider: Provider
    api: ProviderApi | None
    _refuses: bool = field(default=False)

    async def pushed(self) -> Mapping[Digest, datetime]:
        """Return what the provider lists beyond tags, with when it was pushed; often nothing.

        Raises:
            RegistryError: The provider refuses.
        """
        return {} if self.api is None else await self.api.pushed()

    async def delete(self, digest: Digest, tags: Sequence[str]) -> bool:
        """Delete a manifest with its tags, and return whether it was there.

        Args:
            digest: The manifest.
            tags: All its tags.

        Raises:
            RegistryError: The registry does not do it.
        """
        if not self._refuses:
            answer = await self._ask("DELETE", digest)
            if answer.ok or answer.status == _NOT_FOUND:
                await self._untag(digest, tags)
                return answer.ok
            if not _is_unsupported(answer):
                raise self.transport.refused(f"to delete {self.repository}@{digest}", answer)
            self._refuses = True
        if self.api is None:
            raise RegistryError(
                f"{self.transport.host} deletes nothing by the registry's API (HTTP 405)",
                stage=_STAGE,
                status=_NOT_ALLOWED,
                next_step=_WAYS_OUT.get(self.provider, _WAY_OUT),
            )
        return await self.api.delete(digest, tags)

    async def _untag(self, digest: Digest, tags: Sequence[str]) -> None:
        """Delete tags that still name a deleted digest: some registries leave them."""
        for tag in tags:
            named = await self._ask("HEAD", tag)
            if named.ok and named.headers.get("docker-content-digest") == digest:
                await self._ask("DELETE", tag)

    async def _ask(self, method: str, reference: str) -> Answer:
        return await self.transport.send(
            method,
            f"/v2/{self.path}/manifests/{reference}",
            scope=f"repository:{self.path}:{'delete' if method == 'DELETE' else 'pull'}",
            headers={"Accept": ", ".join(ACCEPTED_TYPES)},
        )


@asynccontextmanager
async def open_remover(
    repository: str,
    login: Login | None,
    *,
    api: Callable[[str, Login], ProviderApi] | None = None,
) -> AsyncGenerator[Remover]:
    """Open what deletes from a repository.

    Args:
        repository: `host[:port]/path`.
        login: Whom to log in as.
        api: Makes the provider's API, of the path and the login; the known one when absent.

    Raises:
        BadReferenceError: The name is none.
    """
    parsed = parse_repository(repository)
    provider = provider_of(parsed.host)
    make = api or _APIS.get(provider)
    made = None if make is None or login is None else make(parsed.path, login)
    async with Transport(parsed.host, login, stage=_STAGE) as transport:
        yield Remover(repository, transport, parsed.path, provider, made)


_APIS: Mapping[str, Callable[[str, Login], ProviderApi]] = {
    "ghcr": Ghcr,
    "docker-hub": DockerHub,
}


def _is_unsupported(answer: Answer) -> bool:
    if answer.status == _NOT_ALLOWED:
        return True
    return answer.status == _BAD_REQUEST and "UNSUPPORTED" in answer.text
