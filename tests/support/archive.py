"""Image archives as a test sees them: what an OCI tar says, and what its layers hold."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An OCI archive in memory: its members by name."""

    members: dict[str, bytes]

    def json(self, name: str) -> Any:
        """Return a member's JSON."""
        return json.loads(self.members[name])

    def blob(self, digest: str) -> bytes:
        """Return the bytes of a blob, which must be those that its digest promises."""
        data = self.members[f"blobs/sha256/{digest.removeprefix('sha256:')}"]
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
        return data

    def manifests(self) -> list[dict[str, Any]]:
        """Return the image manifests, looking through a nested index."""
        found: list[dict[str, Any]] = []
        for one in self.json("index.json")["manifests"]:
            if one["mediaType"] in INDEX_TYPES:
                nested = json.loads(self.blob(one["digest"]))["manifests"]
                found.extend(json.loads(self.blob(each["digest"])) for each in nested)
            else:
                found.append(json.loads(self.blob(one["digest"])))
        return found

    def config(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return the image config of a manifest."""
        found: dict[str, Any] = json.loads(self.blob(manifest["config"]["digest"]))
        return found

    def layer_names(self, manifest: dict[str, Any], number: int) -> list[str]:
        """Return the member names of a layer, as they are in its tar, sorted."""
        with tarfile.open(fileobj=io.BytesIO(self.layer(manifest, number))) as tar:
            return sorted(tar.getnames())

    def layer_times(self, manifest: dict[str, Any], number: int) -> dict[str, float]:
        """Return when each member of a layer was changed, in seconds since 1970."""
        with tarfile.open(fileobj=io.BytesIO(self.layer(manifest, number))) as tar:
            return {member.name: member.mtime for member in tar}

    def layer(self, manifest: dict[str, Any], number: int) -> bytes:
        """Return the bytes of a layer as they are stored."""
        return self.blob(manifest["layers"][number]["digest"])


def read_archive(path: Path) -> Archive:
    """Read an OCI archive from a file."""
    members: dict[str, bytes] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                members[member.name.removeprefix("./")] = stream.read()
    return Archive(members=members)
