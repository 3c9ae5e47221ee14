"""Annotations of an index: what Dagger's API cannot set, written by the registry's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.registry.content import digest_of, json_object, serialize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.image import Digest
    from keelway.registry.client import Repository
    from keelway.tags.annotations import Annotations


def annotated(data: bytes, annotations: Annotations) -> bytes:
    r"""Return an index with more annotations, of its own and beside each manifest.

    >>> from keelway.tags.annotations import Annotations
    >>> annotated(b'{"manifests": [{"digest": "a"}]}', Annotations(index={"k": "v"}))
    b'{"manifests":[{"digest":"a"}],"annotations":{"k":"v"}}'
    """
    index = json_object(data)
    if annotations.index:
        index["annotations"] = _merged(index.get("annotations"), annotations.index)
    if annotations.descriptor:
        index["manifests"] = [
            {**entry, "annotations": _merged(entry.get("annotations"), annotations.descriptor)}
            for entry in index["manifests"]
        ]
    return serialize(index)


async def annotate(
    repository: Repository, digest: Digest, annotations: Annotations, tag: str
) -> Digest:
    """Let a tag name a published index with more annotations, and return its digest.

    An image of one platform is published without an index: it stays as it is.

    Args:
        repository: Where it is.
        digest: The index without them.
        annotations: What is added.
        tag: The tag that names it then.

    Raises:
        RegistryError: The registry does not give or take it.
    """
    found = await repository.manifest(digest)
    data = annotated(found.data, annotations) if found.is_index else found.data
    await repository.put_manifest(data, found.media_type, tag)
    return digest_of(data)


def _merged(before: Mapping[str, str] | None, more: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted({**(before or {}), **more}.items()))
