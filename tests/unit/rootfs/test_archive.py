"""An image archive of one layer."""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING, Any

from keelway.rootfs.archive import write_archive
from keelway.rootfs.layer import Layer

if TYPE_CHECKING:
    from pathlib import Path


def _layer(path: Path) -> Layer:
    path.write_bytes(b"layer")
    return Layer(
        path=path,
        digest=f"sha256:{hashlib.sha256(b'layer').hexdigest()}",
        size=5,
        diff_id="sha256:" + "1" * 64,
        content_bytes=99,
        epoch=1_600_000_000,
    )


def _read(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            files[member.name] = b"" if stream is None else stream.read()
    return files


def _json(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    return found


def test_every_part_is_found_by_its_digest(tmp_path: Path) -> None:
    layer = _layer(tmp_path / "layer")
    digest = write_archive(
        layer, tmp_path / "image.tar", platform="linux/arm/v7", labels={"b": "2", "a": "1"}
    )
    files = _read(tmp_path / "image.tar")
    for name, data in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    (entry,) = _json(files["index.json"])["manifests"]
    assert entry["digest"] == digest
    assert entry["platform"] == {"os": "linux", "architecture": "arm", "variant": "v7"}
    manifest = _json(files[f"blobs/sha256/{digest.removeprefix('sha256:')}"])
    config_digest = manifest["config"]["digest"].removeprefix("sha256:")
    config = _json(files[f"blobs/sha256/{config_digest}"])
    assert manifest["layers"] == [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": layer.digest,
            "size": 5,
        }
    ]
    assert config["rootfs"]["diff_ids"] == [layer.diff_id]
    assert config["created"] == "2020-09-13T12:26:40Z"
    assert config["config"]["Labels"] == {"a": "1", "b": "2"}
    assert (config["architecture"], config["variant"]) == ("arm", "v7")


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    layer = _layer(tmp_path / "layer")
    for name in ("one", "two"):
        write_archive(layer, tmp_path / name, platform="linux/amd64", labels={})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
