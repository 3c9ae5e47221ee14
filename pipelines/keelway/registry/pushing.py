"""Images out of archives into a repository, byte by byte: nothing is packed anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keelway.registry.content import INDEX_TYPE, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.model.image import Digest
    from keelway.registry.archive import Archive
    from keelway.registry.client import Repository


async def push(repository: Repository, archives: Sequence[Archive], tag: str) -> Digest:
    """Let a tag name images, one a platform, and return the digest that it names then.

    Of several an index is made, the same for the same images; one stands alone.

    Args:
        repository: Where they go.
        archives: Where they are.
        tag: The tag.

    Raises:
        RegistryError: The registry does not take it.
        StageError: An archive is not what it was.
    """
    for archive in archives:
        for blob in archive.blobs():
            if not await repository.blobs.has(blob.digest):
                data = archive.read(blob.digest, stage="publish")
                await repository.put_blob(data, blob.media_type)
    if len(archives) == 1:
        (only,) = archives
        await repository.put_manifest(only.manifest.data, only.manifest.media_type, tag)
        return only.manifest.digest
    for archive in archives:
        await repository.put_manifest(archive.manifest.data, archive.manifest.media_type)
    data = index_of(archives)
    await repository.put_manifest(data, INDEX_TYPE, tag)
    return digest_of(data)


def index_of(archives: Sequence[Archive]) -> bytes:
    """Return the index of images, one a platform: the bytes that keelway's engine would write.

    The annotations of each manifest stand beside it in the index too.
    """
    body = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": sorted(map(_entry, archives), key=_platform_of),
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _entry(archive: Archive) -> dict[str, Any]:
    entry = {name: value for name, value in archive.entry.items() if name != "annotations"}
    said = archive.manifest.document.get("annotations")
    return {**entry, "annotations": said} if said else entry


def _platform_of(entry: dict[str, Any]) -> tuple[str, ...]:
    platform: dict[str, str] = entry.get("platform") or {}
    return tuple(platform.get(name, "") for name in ("os", "architecture", "variant"))
