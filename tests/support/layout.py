"""OCI images made from nothing: layers by `tarfile`, an image layout folder on disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member of a layer: a folder (no data, no link), a file, or a symbolic link."""

    path: str
    data: bytes | None = None
    link: str | None = None
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformImage:
    """One platform's image: its layers from the lowest, and its config."""

    architecture: str
    layers: Sequence[bytes]
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    variant: str | None = None

    def platform(self) -> dict[str, str]:
        """Return the platform as an index writes it."""
        named = {"architecture": self.architecture, "os": "linux"}
        return named | ({"variant": self.variant} if self.variant else {})


def tar_layer(entries: Iterable[Entry]) -> bytes:
    """Return the uncompressed tar of `entries`, the same bytes for the same entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
            if entry.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
            elif entry.data is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(entry.data)
            tar.addfile(info, io.BytesIO(entry.data or b""))
    return buffer.getvalue()


def write_layout(folder: Path, images: Sequence[PlatformImage], *, tag: str) -> None:
    """Write `images` as one index, tagged `tag`, into an OCI image layout at `folder`."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    manifests = [_write_image(folder, image) | {"platform": image.platform()} for image in images]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    named = _write_json(folder, index, INDEX)
    named["annotations"] = {"org.opencontainers.image.ref.name": tag}
    top = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
    (folder / "index.json").write_text(json.dumps(top))


def _write_image(folder: Path, image: PlatformImage) -> dict[str, Any]:
    layers = [_write_blob(folder, gzip.compress(tar, 6, mtime=0), LAYER) for tar in image.layers]
    config = image.platform() | {
        "config": dict(image.config),
        "created": "2024-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": [_digest(tar) for tar in image.layers]},
        "history": [{"created_by": f"layer {number}"} for number, _ in enumerate(image.layers)],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _write_json(folder, config, CONFIG),
        "layers": layers,
    }
    return _write_json(folder, manifest, MANIFEST)


def _write_json(folder: Path, value: Mapping[str, Any], media_type: str) -> dict[str, Any]:
    return _write_blob(folder, json.dumps(value, sort_keys=True).encode(), media_type)


def _write_blob(folder: Path, data: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(data)
    (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
