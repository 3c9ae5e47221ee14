"""An image of one layer as an OCI archive, which every tool of the trade can read."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.rootfs.layer import Layer

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_archive(layer: Layer, target: Path, *, platform: str, labels: Mapping[str, str]) -> str:
    """Write the archive and return the digest of the image's manifest.

    Args:
        layer: All of its files.
        target: The archive, a tar file.
        platform: `os/architecture[/variant]`.
        labels: Labels of the image.
    """
    created = datetime.fromtimestamp(layer.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = _json(
        {
            **_platform(platform),
            "created": created,
            "config": {"Env": [_PATH], "Labels": dict(sorted(labels.items()))},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": [{"created": created, "created_by": "keelway base"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [{"mediaType": _LAYER, "digest": layer.digest, "size": layer.size}],
        }
    )
    index = _json(
        {
            "schemaVersion": 2,
            "mediaType": _INDEX,
            "manifests": [{**_descriptor(_MANIFEST, manifest), "platform": _platform(platform)}],
        }
    )
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", index)
        for blob in (config, manifest):
            _add(archive, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
        header = tarfile.TarInfo(f"blobs/sha256/{layer.digest.removeprefix('sha256:')}")
        header.size = layer.size
        with layer.path.open("rb") as stream:
            archive.addfile(header, stream)
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def _platform(platform: str) -> dict[str, str]:
    names = ("os", "architecture", "variant")
    return dict(zip(names, platform.split("/"), strict=False))


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    archive.addfile(header, io.BytesIO(data))
