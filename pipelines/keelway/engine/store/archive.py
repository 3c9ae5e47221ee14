"""Images in tarballs: OCI layouts, and what `docker save` writes."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from keelway.engine.errors import EngineError
from keelway.engine.store.descriptor import (
    DOCKER_INDEX,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    hex_of,
    layer_media_type,
)
from keelway.engine.store.manifest import (
    Manifest,
    canonical,
    descriptor_json,
    parse_index,
    parse_manifest,
)
from keelway.engine.store.platforms import choose, normalise, platform_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs

_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
_INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image that was in a tarball; its layers are in the store."""

    digest: str
    manifest: Manifest
    config: Mapping[str, object]


def read(path: Path, blobs: Blobs, *, tag: str, platform: str) -> Found:
    """Put an image of a tarball, and its layers, into the store.

    `tag` chooses among several; empty takes the first that has the platform.

    Raises:
        EngineError: It is no tarball of images, is damaged, or has no such image.
    """
    try:
        with tarfile.open(path) as tar:
            names = {member.name.removeprefix("./"): member for member in tar.getmembers()}
            source = _Archive(tar, names, blobs)
            if "index.json" in names:
                return source.layout(tag, platform)
            if "manifest.json" in names:
                return source.saved(tag, platform)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise EngineError(f"the image tarball can't be read: {error}") from error
    raise EngineError(
        "the tarball has no image: neither index.json (OCI layout) nor manifest.json (docker save)"
    )


class _Archive:
    """An open tarball."""

    def __init__(
        self, tar: tarfile.TarFile, names: Mapping[str, tarfile.TarInfo], blobs: Blobs
    ) -> None:
        self._tar = tar
        self._names = names
        self._blobs = blobs

    def layout(self, tag: str, platform: str) -> Found:
        """Take an image of an OCI layout."""
        found = _tagged(parse_index(self._read("index.json")), tag)
        manifest = self._choose(found, platform)
        raw = self._blob(manifest)
        parsed = parse_manifest(raw, manifest.digest)
        config = json.loads(self._blob(parsed.config))
        for layer in parsed.layers:
            if not self._blobs.has(layer.digest):
                self._blobs.put_stream(
                    self._open(f"blobs/sha256/{hex_of(layer.digest)}"),
                    layer.media_type,
                    expected=layer.digest,
                )
        return Found(digest=manifest.digest, manifest=parsed, config=config)

    def saved(self, tag: str, platform: str) -> Found:
        """Take an image that `docker save` wrote."""
        items: list[dict[str, Any]] = json.loads(self._read("manifest.json"))
        chosen = [item for item in items if not tag or _has_tag(item.get("RepoTags"), tag)]
        if not chosen:
            raise EngineError(f"the tarball has no image with the tag {tag!r}")
        configs = [(item, json.loads(self._read(item["Config"]))) for item in chosen]
        wanted = normalise(platform)
        item, config = next(
            (pair for pair in configs if platform_of(pair[1]) == wanted), configs[0]
        )
        names: list[str] = item.get("Layers") or []
        layers = tuple(self._saved_layer(name) for name in names)
        described = self._blobs.put_bytes(self._read(item["Config"]), OCI_CONFIG)
        body = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor_json(described),
            "layers": [descriptor_json(layer) for layer in layers] or None,
        }
        made = self._blobs.put_bytes(canonical(body), OCI_MANIFEST)
        manifest = Manifest(config=described, layers=layers)
        return Found(digest=made.digest, manifest=manifest, config=config)

    def _saved_layer(self, name: str) -> Descriptor:
        with self._open(name) as file:
            magic = file.read(4)
        compression = "uncompressed"
        if magic[:2] == b"\x1f\x8b":
            compression = "gzip"
        elif magic == b"\x28\xb5\x2f\xfd":
            compression = "zstd"
        return self._blobs.put_stream(self._open(name), layer_media_type(compression))

    def _choose(self, found: Sequence[Descriptor], platform: str) -> Descriptor:
        """Return the manifest for a platform; indexes may lie in indexes."""
        flat: list[Descriptor] = []
        for item in found:
            if item.media_type in _INDEXES:
                flat.extend(parse_index(self._blob(item)))
            else:
                flat.append(item)
        if len(flat) == 1 and not flat[0].platform:
            return flat[0]
        stated = [item if item.platform else self._with_platform(item) for item in flat]
        return choose(stated, platform, "the tarball")

    def _with_platform(self, item: Descriptor) -> Descriptor:
        manifest = parse_manifest(self._blob(item), item.digest)
        platform = platform_of(json.loads(self._blob(manifest.config)))
        return Descriptor(
            media_type=item.media_type, digest=item.digest, size=item.size, platform=platform
        )

    def _blob(self, blob: Descriptor) -> bytes:
        if not self._blobs.has(blob.digest):
            name = f"blobs/sha256/{hex_of(blob.digest)}"
            self._blobs.put_stream(self._open(name), blob.media_type, expected=blob.digest)
        return self._blobs.read(blob.digest)

    def _read(self, name: str) -> bytes:
        with self._open(name) as file:
            return bytes(file.read())

    def _open(self, name: str) -> Any:
        member = self._names.get(name.removeprefix("./"))
        file = None if member is None else self._tar.extractfile(member)
        if file is None:
            raise EngineError(f"the image tarball is incomplete: it has no {name}")
        return file


def _tagged(found: Sequence[Descriptor], tag: str) -> Sequence[Descriptor]:
    if not tag:
        return found
    chosen = [item for item in found if _has_tag([item.annotations.get(n) for n in _NAMES], tag)]
    if not chosen:
        raise EngineError(f"the tarball has no image with the tag {tag!r}")
    return chosen


def _has_tag(names: object, tag: str) -> bool:
    """Say whether one of the names is the tag, or a full name that ends in it."""
    if not isinstance(names, list):
        return False
    texts = [name for name in cast("list[object]", names) if isinstance(name, str)]
    return any(name == tag or name.endswith(":" + tag) for name in texts)
