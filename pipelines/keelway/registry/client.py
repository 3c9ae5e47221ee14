"""One repository of one registry (OCI distribution specification 1.1).

Example:
    async with open_repository("localhost:5000/demo/orders", login=None, stage="sign") as images:
        index = await images.manifest("1.0")
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.errors import RegistryError
from keelway.registry.amending import Amendments
from keelway.registry.content import (
    ACCEPTED_TYPES,
    INDEX_TYPE,
    Descriptor,
    Manifest,
    digest_of,
    serialize,
)
from keelway.registry.transport import Answer, Transport
from keelway.tags.reference import parse_repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from keelway.model.image import Digest
    from keelway.registry.amending import Addition
    from keelway.registry.logins import Login

_NOT_FOUND = 404
_MOST_PAGES = 100
# What registries answer that know images only; those of a login are told as such.
_NO_ARTIFACTS = frozenset({400, 404, 405, 406, 415, 422})


@asynccontextmanager
async def open_repository(
    name: str, *, login: Login | None, stage: str
) -> AsyncGenerator[Repository, None]:
    """Open connections to a repository, named as `host[:port]/path`.

    Args:
        name: The repository.
        login: Whom to log in as, where the registry asks.
        stage: Which stage it is for, for errors.

    Raises:
        BadReferenceError: The name is none.
        RegistryError: What was added to a tag is always overwritten by others.
    """
    parsed = parse_repository(name)
    async with Transport(parsed.host, login, stage=stage) as transport:
        repository = Repository(transport, name=name, path=parsed.path, stage=stage)
        yield repository
        await repository.settle()


class Repository:
    """What is kept under one name."""

    def __init__(self, transport: Transport, *, name: str, path: str, stage: str) -> None:
        """Keep the way to it; `open_repository` makes these."""
        self.name = name
        self._transport = transport
        self._path = path
        self._stage = stage
        self._amendments = Amendments(name, stage=stage, find=self.find, put=self.put_manifest)
        self._knows_referrers: bool | None = None

    async def manifest(self, reference: str) -> Manifest:
        """Return the manifest or index that a tag or digest names.

        Raises:
            RegistryError: There is none, it is not what its digest says, or it is no manifest.
        """
        found = await self.find(reference)
        if found is None:
            raise RegistryError(
                f"{self._shown(reference)} is not there", stage=self._stage, status=_NOT_FOUND
            )
        return found

    async def find(self, reference: str) -> Manifest | None:
        """Return the manifest or index that a tag or digest names; nothing when there is none.

        Raises:
            RegistryError: The registry refuses, or the bytes are not what the digest says.
        """
        accept = {"Accept": ", ".join(ACCEPTED_TYPES)}
        answer = await self._pull(f"manifests/{reference}", headers=accept)
        if answer.status == _NOT_FOUND:
            return None
        if not answer.ok:
            raise self._transport.refused(f"to give {self._shown(reference)}", answer)
        self._check(answer.data, reference)
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        try:
            return Manifest.parse(answer.data, media_type)
        except ValueError as error:
            raise RegistryError(
                f"{self._shown(reference)} is no manifest", stage=self._stage, why=str(error)
            ) from error

    async def blob(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a blob, checked.

        Raises:
            RegistryError: It is not there, or its bytes are not what the digest says.
        """
        answer = await self._pull(f"blobs/{descriptor.digest}")
        if not answer.ok:
            raise self._transport.refused(f"to give {self._shown(descriptor.digest)}", answer)
        self._check(answer.data, descriptor.digest)
        return answer.data

    async def has_blob(self, digest: Digest) -> bool:
        """Return whether a blob is there.

        Raises:
            RegistryError: Nobody answers, or the login is refused.
        """
        return (await self._pull(f"blobs/{digest}", method="HEAD")).ok

    async def put_blob(self, data: bytes, media_type: str) -> Descriptor:
        """Keep a blob, unless it is there, and return what points to it.

        Raises:
            RegistryError: The registry does not take it.
        """
        descriptor = Descriptor.of(data, media_type)
        if await self.has_blob(descriptor.digest):
            return descriptor
        begun = await self._push("POST", f"/v2/{self._path}/blobs/uploads/")
        if not begun.ok or "location" not in begun.headers:
            raise self._transport.refused("an upload", begun)
        location = begun.headers["location"]
        joint = "&" if "?" in location else "?"
        done = await self._push(
            "PUT",
            f"{location}{joint}digest={descriptor.digest}",
            media_type="application/octet-stream",
            data=data,
        )
        if not done.ok:
            raise self._transport.refused(f"the blob {descriptor.digest}", done)
        return descriptor

    async def put_manifest(self, data: bytes, media_type: str, tag: str | None = None) -> Answer:
        """Keep a manifest under its digest, or under a tag, and return the registry's answer.

        Raises:
            RegistryError: The registry does not take it.
        """
        reference = tag or digest_of(data)
        answer = await self._put(reference, data, media_type)
        if not answer.ok:
            raise self._transport.refused(f"the manifest {self._shown(reference)}", answer)
        return answer

    async def _put(self, reference: str, data: bytes, media_type: str) -> Answer:
        url = f"/v2/{self._path}/manifests/{reference}"
        return await self._push("PUT", url, media_type=media_type, data=data)

    async def attach(self, data: bytes, subject: Digest, listed: Descriptor) -> bool:
        """Keep a manifest as referrer of a subject, and return whether the fall-back tag lists it.

        A registry that knows referrers says so by the header `OCI-Subject`; for others the client
        lists the manifest in an index under the tag `sha256-<hex>` (distribution specification,
        "Pushing Manifests with Subject").

        Raises:
            RegistryError: The registry does not take it.
        """
        answer = await self._put(digest_of(data), data, listed.media_type)
        if answer.status in _NO_ARTIFACTS:
            raise RegistryError(
                f"{self.name} takes no signatures as OCI artifacts: HTTP {answer.status}",
                stage=self._stage,
                status=answer.status,
                why=answer.text or None,
                next_step='set sign.layouts = ["legacy"], which every registry takes, or use a '
                "registry that follows OCI 1.0 or later",
            )
        if not answer.ok:
            raise self._transport.refused(f"the manifest {self._shown(digest_of(data))}", answer)
        if "oci-subject" in answer.headers:
            return False
        await self.amend(fallback_tag(subject), _Listed(listed, self._entries))
        return True

    async def referrers(
        self, subject: Digest, artifact_type: str | None = None
    ) -> tuple[Descriptor, ...]:
        """Return what refers to a digest, by the referrers API or the fall-back tag.

        Raises:
            RegistryError: The registry refuses, or answers no index.
        """
        found = await self._referrers(subject)
        if found is None:
            index = await self.find(fallback_tag(subject))
            found = () if index is None else self._entries(index)
        if artifact_type is None:
            return found
        return tuple(entry for entry in found if entry.artifact_type == artifact_type)

    async def _referrers(self, subject: Digest) -> tuple[Descriptor, ...] | None:
        """Return what the referrers API lists; nothing when the registry has none."""
        if self._knows_referrers is False:
            return None
        found: list[Descriptor] = []
        url = f"/v2/{self._path}/referrers/{subject}"
        for _ in range(_MOST_PAGES):
            answer = await self._transport.send(
                "GET", url, scope=self._scope("pull"), headers={"Accept": INDEX_TYPE}
            )
            # Registries older than the API answer 404, or take the path for another of theirs.
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            if not answer.ok or kind != INDEX_TYPE:
                if answer.ok or answer.status in {_NOT_FOUND, 400, 405}:
                    self._knows_referrers = False
                    return None
                raise self._transport.refused(f"to list what refers to {subject}", answer)
            self._knows_referrers = True
            found += self._entries(Manifest.parse(answer.data, kind))
            following = _next_page(answer)
            if following is None:
                break
            url = following
        return tuple(found)

    async def amend(self, tag: str, addition: Addition) -> Manifest:
        """Add something to what a tag names; others may do the same at the same time.

        Raises:
            RegistryError: The registry does not take it, or others always overwrite it.
        """
        return await self._amendments.add(tag, addition)

    async def settle(self) -> None:
        """Look again, after a while, whether what was added to tags was lost to another's write.

        Raises:
            RegistryError: Others always overwrite it.
        """
        await self._amendments.settle()

    def _entries(self, index: Manifest) -> tuple[Descriptor, ...]:
        try:
            return index.manifests()
        except ValueError as error:
            raise RegistryError(
                f"{self.name} answered an index that cannot be read",
                stage=self._stage,
                why=str(error),
            ) from error

    def _check(self, data: bytes, reference: str) -> None:
        if reference.startswith("sha256:") and digest_of(data) != reference:
            raise RegistryError(
                f"{self._shown(reference)} was tampered with: its bytes have the digest "
                f"{digest_of(data)}",
                stage=self._stage,
                next_step="do not use it; publish the image again",
            )

    async def _pull(
        self, place: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> Answer:
        url = f"/v2/{self._path}/{place}"
        return await self._transport.send(method, url, scope=self._scope("pull"), headers=headers)

    async def _push(
        self, method: str, url: str, *, media_type: str | None = None, data: bytes | None = None
    ) -> Answer:
        headers = {} if media_type is None else {"Content-Type": media_type}
        scope = self._scope("pull,push")
        return await self._transport.send(method, url, scope=scope, headers=headers, data=data)

    def _scope(self, actions: str) -> str:
        return f"repository:{self._path}:{actions}"

    def _shown(self, reference: str) -> str:
        return f"{self.name}{'@' if ':' in reference else ':'}{reference}"


@dataclass(frozen=True, slots=True)
class _Listed:
    """A manifest in the index of a fall-back tag."""

    entry: Descriptor
    entries: Callable[[Manifest], tuple[Descriptor, ...]]

    def is_in(self, found: Manifest) -> bool:
        return any(known.digest == self.entry.digest for known in self.entries(found))

    async def added_to(self, found: Manifest | None) -> tuple[bytes, str]:
        known = () if found is None else self.entries(found)
        document = {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [entry.document() for entry in (*known, self.entry)],
        }
        return serialize(document), INDEX_TYPE


def fallback_tag(subject: Digest) -> str:
    """Return the tag that lists a digest's referrers where there is no referrers API.

    >>> from keelway.model.image import Digest
    >>> fallback_tag(Digest("sha256:44136fa"))
    'sha256-44136fa'
    """
    return subject.replace(":", "-")


def _next_page(answer: Answer) -> str | None:
    """Return the address of the next page (RFC 8288, `rel="next"`)."""
    link = answer.headers.get("link", "")
    if 'rel="next"' not in link:
        return None
    return link.partition("<")[2].partition(">")[0] or None
