"""Images that are written: configuration, manifest, index, and the OCI layout around them.

Everything is a function of what goes in: keys are sorted, platforms are sorted, times are the
epoch (or the start of 1970, when there is none).
"""

from __future__ import annotations

import itertools
import json
import shutil
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, cast

from keelway.engine.errors import EngineError
from keelway.engine.store.compress import BLOCK
from keelway.engine.store.descriptor import (
    DOCKER_CONFIG,
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    LayerBlob,
    compression_of,
    hex_of,
    layer_media_type,
)
from keelway.engine.store.manifest import canonical, descriptor_json, parse_index, parse_manifest
from keelway.engine.store.platforms import normalise, platform_json
from keelway.engine.store.tar import TarWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs

_REF_NAME = "org.opencontainers.image.ref.name"
_INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class OutImage:
    """One image to write."""

    platform: str
    config: Mapping[str, object]
    """The image configuration; platform, layers and times are filled in. A `history` of the base
    image is kept if it fits the layers."""
    layers: Sequence[LayerBlob]
    """Oldest first."""
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


def assemble(
    blobs: Blobs, images: Sequence[OutImage], *, docker: bool = False, epoch: int | None = None
) -> Descriptor:
    """Put configurations, manifests and, for several images, an index into the store.

    Raises:
        EngineError: There are no images, or two of one platform.
    """
    if not images:
        raise EngineError("no containers to export")
    ordered = sorted(images, key=lambda image: normalise(image.platform))
    for one, other in itertools.pairwise(ordered):
        if normalise(one.platform) == normalise(other.platform):
            raise EngineError(f'duplicate platform "{one.platform}"')
    manifests = [_manifest(blobs, image, docker=docker, epoch=epoch) for image in ordered]
    if len(manifests) == 1:
        return replace(manifests[0], annotations={})
    kind = DOCKER_INDEX if docker else OCI_INDEX
    body: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "manifests": [descriptor_json(manifest) for manifest in manifests],
    }
    return blobs.put_bytes(canonical(body), kind)


def image_config(image: OutImage, epoch: int | None) -> dict[str, object]:
    """Return the whole configuration of an image."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch or 0))
    body = dict(image.config)
    history = _history(body.pop("history", None), len(image.layers), created)
    body.update(platform_json(normalise(image.platform)))
    body["created"] = created
    body["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in image.layers]}
    if history:
        body["history"] = history
    return body


def write_links(blobs: Blobs, root: Descriptor, dest: Path) -> None:
    """Write the form that `skopeo` calls `dir:`, with links to the blobs.

    Unlike a layout it can hold manifests of Docker's types.
    """
    (dest / "version").write_text("Directory Transport Version: 1.1\n", encoding="ascii")
    raw = blobs.read(root.digest)
    (dest / "manifest.json").write_bytes(raw)
    if root.media_type in _INDEXES:
        for item in parse_index(raw):
            name = f"{hex_of(item.digest)}.manifest.json"
            (dest / name).write_bytes(blobs.read(item.digest))
    for digest, _ in _content(blobs, root):
        (dest / hex_of(digest)).symlink_to(blobs.path(digest))


def write_directory(blobs: Blobs, root: Descriptor, dest: Path, *, tag: str) -> None:
    """Write a layout with its blobs into a directory, which is made."""
    folder = dest / "blobs" / "sha256"
    folder.mkdir(parents=True, exist_ok=True)
    for digest, _ in _content(blobs, root):
        shutil.copyfile(blobs.path(digest), folder / hex_of(digest))
    (dest / "oci-layout").write_bytes(_LAYOUT)
    (dest / "index.json").write_bytes(_index(root, tag))


def write_archive(blobs: Blobs, root: Descriptor, dest: Path, *, tag: str) -> None:
    """Write a layout as a tar file; a single image can be read by `docker load` as well."""
    with dest.open("wb") as file:
        tar = TarWriter(file.write, epoch=None)
        tar.directory("blobs")
        tar.directory("blobs/sha256")
        for digest, size in sorted(_content(blobs, root)):
            with blobs.path(digest).open("rb") as blob:
                tar.file(f"blobs/sha256/{hex_of(digest)}", size, _pieces(blob))
        _small(tar, "index.json", _index(root, tag))
        if root.media_type in {OCI_MANIFEST, DOCKER_MANIFEST}:
            _small(tar, "manifest.json", _docker_manifest(blobs, root, tag))
        _small(tar, "oci-layout", _LAYOUT)
        tar.end()


def _manifest(blobs: Blobs, image: OutImage, *, docker: bool, epoch: int | None) -> Descriptor:
    config = blobs.put_bytes(
        canonical(image_config(image, epoch)), DOCKER_CONFIG if docker else OCI_CONFIG
    )
    layers = [
        Descriptor(
            media_type=layer_media_type(compression_of(layer.media_type), docker=docker),
            digest=layer.digest,
            size=layer.size,
        )
        for layer in image.layers
    ]
    kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
    body: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": descriptor_json(config),
        # As other tools write it: no layers are null, not an empty list.
        "layers": [descriptor_json(layer) for layer in layers] or None,
    }
    if image.annotations:
        body["annotations"] = dict(image.annotations)
    made = blobs.put_bytes(canonical(body), kind)
    return replace(made, platform=normalise(image.platform), annotations=image.annotations)


def _history(given: object, layers: int, created: str) -> list[dict[str, object]]:
    """Return one entry a layer: those of the base image first, if they fit."""
    entries = cast("list[dict[str, object]]", given) if isinstance(given, list) else []
    full = sum(1 for entry in entries if not entry.get("empty_layer"))
    if full > layers:
        entries, full = [], 0
    own: dict[str, object] = {"created": created, "created_by": "keelway"}
    return [*entries, *([own] * (layers - full))]


def _index(root: Descriptor, tag: str) -> bytes:
    annotations = {_REF_NAME: tag} if tag else {}
    named = replace(root, annotations=annotations)
    return canonical(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor_json(named)]}
    )


def _content(blobs: Blobs, root: Descriptor) -> list[tuple[str, int]]:
    """Return digest and size of every blob of an image or index."""
    raw = blobs.read(root.digest)
    found = [(root.digest, len(raw))]
    if root.media_type in _INDEXES:
        for item in parse_index(raw):
            found.extend(_content(blobs, item))
    else:
        manifest = parse_manifest(raw, root.digest)
        found.extend((blob.digest, blob.size) for blob in (manifest.config, *manifest.layers))
    return list(dict.fromkeys(found))


def _docker_manifest(blobs: Blobs, root: Descriptor, tag: str) -> bytes:
    manifest = parse_manifest(blobs.read(root.digest), root.digest)
    body = {
        "Config": f"blobs/sha256/{hex_of(manifest.config.digest)}",
        "RepoTags": [tag] if tag else None,
        "Layers": [f"blobs/sha256/{hex_of(layer.digest)}" for layer in manifest.layers],
    }
    return json.dumps([body], sort_keys=True, separators=(",", ":")).encode()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(BLOCK):
        yield piece


def _small(tar: TarWriter, name: str, data: bytes) -> None:
    tar.file(name, len(data), iter([data]))
