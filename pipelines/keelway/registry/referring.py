"""The index under a tag that lists a digest's referrers, where there is no referrers API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keelway.registry.content import INDEX_TYPE, Descriptor, Manifest, digest_of, serialize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.model.image import Digest


@dataclass(frozen=True, slots=True)
class Listed:
    """A manifest in the index of a fall-back tag."""

    entry: Descriptor
    entries: Callable[[Manifest], tuple[Descriptor, ...]]

    def is_in(self, found: Manifest) -> bool:
        """Return whether it is there."""
        return any(known.digest == self.entry.digest for known in self.entries(found))

    async def added_to(self, found: Manifest | None) -> tuple[bytes, str]:
        """Return the index with it, and its media type."""
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


def listing_of(manifest: Manifest) -> Descriptor:
    """Return what a list of referrers says of a manifest (distribution specification 1.1).

    Its type is that of its configuration where it names none itself.
    """
    document = manifest.document
    config: Mapping[str, Any] = document.get("config") or {}
    return Descriptor(
        media_type=manifest.media_type,
        digest=digest_of(manifest.data),
        size=len(manifest.data),
        artifact_type=document.get("artifactType") or config.get("mediaType"),
        annotations=dict(document.get("annotations") or {}),
    )
