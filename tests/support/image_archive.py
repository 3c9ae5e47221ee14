"""OCI archives of small images, written for tests."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(**files: int | str | None) -> bytes:
    """Return a layer: a number is a program of that size, a text a link, None a folder."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for name, what in files.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            if what is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(what, str):
                member.type, member.linkname = tarfile.SYMTYPE, what
            else:
                member.size = what
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return held.getvalue()


def archive(
    path: Path, *layers: bytes, config: Any = None, history: Any = None, media_type: str = LAYER
) -> Path:
    """Write an OCI archive whose index leads to the image through a second one."""
    blobs: dict[str, bytes] = {}

    def put(data: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data), "mediaType": media_type}

    manifest = {
        "config": put(json.dumps({"config": config, "history": history}).encode(), "config"),
        "layers": [put(data, media_type) for data in layers],
    }
    index = {"manifests": [put(json.dumps(manifest).encode(), "manifest")]}
    nested = {"manifests": [put(json.dumps(index).encode(), "index")]}
    blobs["index.json"] = json.dumps(nested).encode()
    with tarfile.open(path, "w") as tar:
        for name, data in blobs.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path
