"""One repository of one registry (OCI distribution specification 1.1).

Example:
    async with open_repository("localhost:5000/demo/orders", login=None, stage="sign") as images:
        index = await images.manifest("1.0")
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio

from keelway.errors import RegistryError
from keelway.registry.amending import Amendments
from keelway.registry.blobs import Blobs
from keelway.registry.content import ACCEPTED_TYPES, INDEX_TYPE, Descriptor, Manifest, digest_of
from keelway.registry.referring import Listed, fallback_tag
from keelway.registry.transport import Answer, Transport
from keelway.tags.reference import parse_repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from keelway.model.image import Digest
    from keelway.registry.amending import Addition
    from keelway.registry.logins import Login

_NOT_FOUND = 404
_MOST_PAGES = 100
# What registries answer that know images only; those of a login are told as such.
_NO_ARTIFACTS = frozenset({400, 404, 405, 406, 415, 422})


@asynccontextmanager
async def open_repository(
    name: str,
    *,
    login: Login | None,
    stage: str,
    writing: dict[str, anyio.Lock] | None = None,
) -> AsyncGenerator[Repository, None]:
    """Open connections to a repository, named as `host[:port]/path`.

    Args:
        name: The repository.
        login: Whom to log in as, where the registry asks.
        stage: Which stage it is for, for errors.
        writing: Whose turn it is to add to a tag, shared by all that do it side by side.

    Raises:
        BadReferenceError: The name is none.
        RegistryError: What was added to a tag is always overwritten by others.
    """
    parsed = parse_repository(name)
    async with Transport(parsed.host, login, stage=stage) as transport:
        repository = Repository(
            transport, name=name, path=parsed.path, stage=stage, writing=writing
        )
        yield repository
        await repository.settle()


class Repository:
    """What is kept under one name."""

    def __init__(
        self,
        transport: Transport,
        *,
        name: str,
        path: str,
        stage: str,
        writing: dict[str, anyio.Lock] | None = None,
    ) -> None:
        """Keep the way to it; `open_repository` makes these."""
        self.name = name
        self.blobs = Blobs(transport, name=name, path=path, stage=stage)
        self._transport = transport
        self._path = path
        self._stage = stage
        self._amendments = Amendments(
            name, stage=stage, find=self.find, put=self.put_manifest, writing=writing
        )
        self._knows_referrers: bool | None = None
        self._asking = anyio.Lock()
        self._described: dict[Digest, Descriptor] = {}
        self._listed: dict[Digest, frozenset[Digest]] = {}

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

    async def describe(self, digest: Digest) -> Descriptor:
        """Return what points to a manifest or index, which is fetched once, and checked.

        Raises:
            RegistryError: There is none, or it is not what its digest says.
        """
        async with self._asking:
            if digest not in self._described:
                self._described[digest] = (await self.manifest(digest)).descriptor
        return self._described[digest]

    async def blob(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a blob, checked.

        Raises:
            RegistryError: It is not there, or its bytes are not what the digest says.
        """
        return await self.blobs.get(descriptor)

    async def put_blob(self, data: bytes, media_type: str) -> Descriptor:
        """Keep a blob, unless it is there, and return what points to it.

        Raises:
            RegistryError: The registry does not take it.
        """
        return await self.blobs.put(data, media_type)

    async def has(self, digest: Digest) -> bool:
        """Return whether a manifest or index is there, without fetching it.

        Raises:
            RegistryError: The registry refuses.
        """
        accept = {"Accept": ", ".join(ACCEPTED_TYPES)}
        answer = await self._pull(f"manifests/{digest}", method="HEAD", headers=accept)
        if not answer.ok and answer.status != _NOT_FOUND:
            raise self._transport.refused(f"to tell of {self._shown(digest)}", answer)
        return answer.ok

    async def put_tag(self, tag: str, digest: Digest) -> bool:
        """Let a tag name what is there under a digest, and return whether it named another.

        Raises:
            RegistryError: There is nothing under the digest, or the registry does not take it.
        """
        manifest = await self.manifest(digest)
        named = await self.find(tag)
        if named is not None and named.digest == digest:
            return False
        await self.put_manifest(manifest.data, manifest.media_type, tag)
        return True

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

    async def was_attached(self, subject: Digest, listed: Descriptor) -> bool:
        """Return whether a manifest is there, with its blobs, and was in the fall-back tag before.

        Raises:
            RegistryError: The registry refuses.
        """
        return await self._was_in_index(listed, subject) and await self.has(listed.digest)

    async def attach(self, data: bytes, subject: Digest, listed: Descriptor) -> bool:
        """Keep a manifest as referrer of a subject, and return whether the fall-back tag lists it.

        One that is there, and was in that index when it was first read, is not sent again.
        A registry that knows referrers says so by the header `OCI-Subject`; for others the client
        lists the manifest in an index under the tag `sha256-<hex>` (distribution specification,
        "Pushing Manifests with Subject").

        Raises:
            RegistryError: The registry does not take it.
        """
        if await self.was_attached(subject, listed):
            return True
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
        await self.amend(fallback_tag(subject), Listed(listed, self._entries))
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

    async def _was_in_index(self, listed: Descriptor, subject: Digest) -> bool:
        """Return whether a registry without referrers API has listed a manifest by the tag."""
        async with self._asking:
            if subject not in self._listed:
                found: tuple[Descriptor, ...] = ()
                # What takes manifests need not list them: what is wrong is seen when one is sent.
                with suppress(RegistryError):
                    found = await self.referrers(subject)
                known = () if self._knows_referrers else found
                self._listed[subject] = frozenset(entry.digest for entry in known)
        return listed.digest in self._listed[subject]

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

    def forget(self) -> None:
        """Look no more for what was added to tags: the registry is known to have failed."""
        self._amendments.forget()

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


def _next_page(answer: Answer) -> str | None:
    """Return the address of the next page (RFC 8288, `rel="next"`)."""
    link = answer.headers.get("link", "")
    if 'rel="next"' not in link:
        return None
    return link.partition("<")[2].partition(">")[0] or None
