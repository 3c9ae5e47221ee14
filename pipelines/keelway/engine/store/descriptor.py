"""What names content: digests, descriptors, media types."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A blob as a manifest or an index names it."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    platform: str = ""
    """`os/arch[/variant]`, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBlob:
    """A layer as a blob: what an image's manifest and configuration say of it."""

    digest: str
    size: int
    media_type: str
    """The OCI form, whatever the image will be written as."""
    diff_id: str
    """Digest of the uncompressed tar."""


def sha256(data: bytes) -> str:
    """Return the digest of bytes as `sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hex_of(digest: str) -> str:
    """Return the hexadecimal part of a digest.

    Raises:
        EngineError: It is no sha256 digest, so it can't name a file either.
    """
    if not _DIGEST.fullmatch(digest):
        raise EngineError(f"{digest!r} is not a sha256 digest (sha256:<64 hexadecimal digits>)")
    return digest[7:]


def compression_of(media_type: str) -> str:
    """Return `gzip`, `zstd` or `uncompressed` for the media type of a layer."""
    if media_type.endswith((".gzip", "+gzip")):
        return "gzip"
    if media_type.endswith((".zstd", "+zstd")):
        return "zstd"
    return "uncompressed"


def layer_media_type(compression: str, *, docker: bool = False) -> str:
    """Return the media type of a layer that is compressed like this."""
    name = {"gzip": "gzip", "estargz": "gzip", "zstd": "zstd"}.get(compression)
    if name is None:
        return DOCKER_LAYER if docker else OCI_LAYER
    return f"{DOCKER_LAYER}.{name}" if docker else f"{OCI_LAYER}+{name}"
