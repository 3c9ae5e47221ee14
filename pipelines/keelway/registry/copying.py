"""An image copied from one repository to another with all that belongs to it, by digest.

That is each child of an index, each blob, and all evidence: referrers, however the registries list
them, and the tags of older layouts. What is there already is not sent, so that a copy that broke
off is finished by copying again.

Example:
    async with (
        open_repository("localhost:5000/demo/orders", login=None, stage="mirror") as source,
        open_repository("localhost:5001/demo/orders", login=None, stage="mirror") as target,
    ):
        print(await copy_image(source, target, digest, tags=("1.0",)))
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.errors import RegistryError
from keelway.model.image import Digest
from keelway.registry.blobs import Sent
from keelway.registry.layering import LEGACY_SUFFIXES, AddedLayer
from keelway.registry.referring import listing_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.registry.client import Repository
    from keelway.registry.content import Descriptor, Manifest

_SIDE_BY_SIDE = 4
# Layers that must be fetched from their vendor: registries need not have them.
_FOREIGN = ("foreign", "nondistributable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy did; nothing was sent when all was there."""

    source: str
    """The repository that it came from."""
    target: str
    """The repository that has it now."""
    digest: Digest
    """Of the index, or of the manifest that stands alone."""
    tags: tuple[str, ...]
    """What names it in the target."""
    moved: tuple[str, ...]
    """Those of the tags that were not there, or named another digest."""
    manifests: int
    """Manifests and indexes, with those of the evidence."""
    manifests_sent: int
    """Those of them that were not there."""
    blobs: int
    """Blobs, each counted once."""
    blobs_sent: int
    """Those whose bytes were sent."""
    blobs_mounted: int
    """Those that the registry had in the other repository."""
    bytes_sent: int
    """Of blobs."""
    evidence: int
    """Referrers and manifests of older layouts, of all digests together."""

    @property
    def changed(self) -> bool:
        """Whether anything was not there before."""
        return bool(self.manifests_sent or self.blobs_sent or self.blobs_mounted or self.moved)


@dataclass(slots=True)
class _Found:
    """All that belongs to an image, in the order in which it may be written."""

    manifests: dict[Digest, Manifest] = field(default_factory=dict[Digest, "Manifest"])
    """Children go before what lists them, subjects before what refers to them."""
    referring: dict[Digest, Digest] = field(default_factory=dict[Digest, Digest])
    """What each referrer refers to."""
    legacy: dict[str, Manifest] = field(default_factory=dict[str, "Manifest"])
    """By tag."""

    def blobs(self) -> dict[Digest, Descriptor]:
        """Return what points to each blob."""
        everything = (*self.manifests.values(), *self.legacy.values())
        return {blob.digest: blob for one in everything for blob in one.blobs()}


async def copy_image(
    source: Repository, target: Repository, digest: Digest, tags: Sequence[str] = ()
) -> Copied:
    """Copy an image with all that belongs to it, and return what had to be sent.

    Args:
        source: Where it is.
        target: Where it is to be.
        digest: The index, or the manifest that stands alone.
        tags: What names it in the target then.

    Raises:
        RegistryError: It is not there, one of the registries refuses, bytes are not what their
            digest says, or the target names something else afterwards.
    """
    found = await _find(source, digest)
    blobs = found.blobs()
    how = await each(partial(_copy_blob, source, target), blobs.values(), limit=_SIDE_BY_SIDE)
    counted = Counter(sent for sent in how if sent is not None)
    sent = [
        await _put(target, one, found.referring.get(own)) for own, one in found.manifests.items()
    ]
    sent += [await _put_legacy(target, tag, one) for tag, one in found.legacy.items()]
    moved = tuple([tag for tag in dict.fromkeys(tags) if await target.put_tag(tag, digest)])
    await _prove(target, digest, tags)
    sizes = (blob.size for blob, one in zip(blobs.values(), how, strict=True) if one is Sent.SENT)
    return Copied(
        source=source.name,
        target=target.name,
        digest=digest,
        tags=tuple(dict.fromkeys(tags)),
        moved=moved,
        manifests=len(sent),
        manifests_sent=sum(sent),
        blobs=len(blobs),
        blobs_sent=counted[Sent.SENT],
        blobs_mounted=counted[Sent.MOUNTED],
        bytes_sent=sum(sizes),
        evidence=len(found.referring) + len(found.legacy),
    )


async def _find(source: Repository, digest: Digest) -> _Found:
    """Return all that belongs to a digest; evidence may have evidence of its own."""
    found = _Found()
    waiting: list[tuple[Digest, Digest | None]] = [(digest, None)]
    while waiting:
        root, subject = waiting.pop(0)
        if root in found.manifests:
            continue
        if subject is not None:
            found.referring[root] = subject
        for own in await _find_tree(source, root, found):
            waiting += [(entry.digest, own) for entry in await source.referrers(own)]
            await _find_legacy(source, own, found)
    return found


async def _find_tree(source: Repository, root: Digest, found: _Found) -> list[Digest]:
    """Add a manifest and all that it lists, and return those that are new, children first."""
    if root in found.manifests:
        return []
    manifest = await source.manifest(root)
    children = _children(manifest, source)
    new = [own for child in children for own in await _find_tree(source, child.digest, found)]
    found.manifests[root] = manifest
    return [*new, root]


def _children(manifest: Manifest, source: Repository) -> tuple[Descriptor, ...]:
    try:
        return manifest.manifests() if manifest.is_index else ()
    except ValueError as error:
        raise RegistryError(
            f"{source.name}@{manifest.digest} cannot be read", stage="mirror", why=str(error)
        ) from error


async def _find_legacy(source: Repository, own: Digest, found: _Found) -> None:
    for suffix in LEGACY_SUFFIXES:
        tag = f"{own.replace(':', '-')}.{suffix}"
        manifest = await source.find(tag)
        if manifest is not None:
            found.legacy[tag] = manifest


async def _copy_blob(source: Repository, target: Repository, descriptor: Descriptor) -> Sent | None:
    """Return how a blob got there; nothing when it is one that its vendor keeps."""
    foreign = any(word in descriptor.media_type for word in _FOREIGN)
    if foreign and not await source.blobs.has(descriptor.digest):
        return None
    return await target.blobs.copy_from(source.blobs, descriptor)


async def _put(target: Repository, manifest: Manifest, subject: Digest | None) -> bool:
    """Keep a manifest, as referrer where it is one, and return whether it was not there."""
    if subject is None:
        if await target.has(manifest.digest):
            return False
        await target.put_manifest(manifest.data, manifest.media_type)
        return True
    listed = await target.referrers(subject)
    if manifest.digest in {one.digest for one in listed} and await target.has(manifest.digest):
        return False
    await target.attach(manifest.data, subject, listing_of(manifest))
    return True


async def _put_legacy(target: Repository, tag: str, manifest: Manifest) -> bool:
    """Keep what older layouts keep under a tag, beside what the target has there already."""
    present = await target.find(tag)
    if present is None:
        await target.put_manifest(manifest.data, manifest.media_type, tag)
        return True
    known = {layer.digest for layer in present.layers()}
    missing = [
        entry for entry in manifest.document.get("layers") or () if entry["digest"] not in known
    ]
    for entry in missing:
        await target.amend(tag, AddedLayer(target, entry))
    return bool(missing)


async def _prove(target: Repository, digest: Digest, tags: Sequence[str]) -> None:
    """Look whether the target has it now, under each name.

    Raises:
        RegistryError: It has not.
    """
    await target.manifest(digest)
    for tag in tags:
        named = await target.manifest(tag)
        if named.digest != digest:
            raise RegistryError(
                f"{target.name}:{tag} names {named.digest} although {digest} was put there",
                stage="mirror",
                next_step="somebody else moves this tag, or the registry changes what it is given",
            )
