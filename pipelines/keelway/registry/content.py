"""Manifests, indexes and descriptors, as registries keep them (OCI image specification 1.1).

Example:
    >>> descriptor = Descriptor.of(b"{}", EMPTY_TYPE)
    >>> descriptor.digest[:14], descriptor.size
    ('sha256:44136fa', 2)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from keelway.model.image import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
INDEX_TYPES = (INDEX_TYPE, DOCKER_INDEX_TYPE)
ACCEPTED_TYPES = (INDEX_TYPE, MANIFEST_TYPE, DOCKER_INDEX_TYPE, DOCKER_MANIFEST_TYPE)


def digest_of(data: bytes) -> Digest:
    """Return the SHA-256 digest of some bytes."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What points to a blob or a manifest."""

    media_type: str
    digest: Digest
    size: int
    """In bytes."""
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    platform: str | None = None
    """`os/architecture[/variant]`."""

    @classmethod
    def of(cls, data: bytes, media_type: str) -> Descriptor:
        """Return what points to these bytes."""
        return cls(media_type=media_type, digest=digest_of(data), size=len(data))

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Descriptor:
        """Return the descriptor in a JSON document.

        Raises:
            KeyError, TypeError, ValueError: It is none.
        """
        platform: Mapping[str, str] | None = document.get("platform")
        return cls(
            media_type=str(document["mediaType"]),
            digest=Digest(str(document["digest"])),
            size=int(document["size"]),
            artifact_type=document.get("artifactType"),
            annotations=dict(document.get("annotations") or {}),
            platform=None if platform is None else _platform(platform),
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        made: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.artifact_type is not None:
            made["artifactType"] = self.artifact_type
        if self.annotations:
            made["annotations"] = dict(self.annotations)
        if self.platform is not None:
            names = ("os", "architecture", "variant")
            made["platform"] = dict(zip(names, self.platform.split("/"), strict=False))
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest or an index: its bytes, which its digest is of, and what they say."""

    media_type: str
    data: bytes
    document: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes, media_type: str) -> Manifest:
        """Return what the bytes say.

        Raises:
            ValueError: They are no JSON object.
        """
        return cls(media_type=media_type, data=data, document=json_object(data))

    @property
    def digest(self) -> Digest:
        """Return the digest of its bytes."""
        return digest_of(self.data)

    @property
    def descriptor(self) -> Descriptor:
        """Return what points to it."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.data))

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests, not layers."""
        return self.media_type in INDEX_TYPES

    def manifests(self) -> tuple[Descriptor, ...]:
        """Return what an index lists.

        Raises:
            ValueError: An entry is no descriptor.
        """
        return self._descriptors("manifests")

    def layers(self) -> tuple[Descriptor, ...]:
        """Return the layers of a manifest, the lowest first.

        Raises:
            ValueError: An entry is no descriptor.
        """
        return self._descriptors("layers")

    def blobs(self) -> tuple[Descriptor, ...]:
        """Return all blobs of a manifest, its configuration first; an index has none.

        Raises:
            ValueError: An entry is no descriptor.
        """
        if self.is_index:
            return ()
        config = self.document.get("config")
        try:
            first = () if config is None else (Descriptor.parse(config),)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError("the configuration is no descriptor") from error
        return (*first, *self.layers())

    def _descriptors(self, key: str) -> tuple[Descriptor, ...]:
        try:
            return tuple(Descriptor.parse(entry) for entry in self.document.get(key) or ())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"an entry of {key!r} is no descriptor") from error


def json_object(data: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a text is.

    Raises:
        ValueError: It is none.
    """
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - what parsing raises, too
    return cast("dict[str, Any]", document)


def serialize(document: Mapping[str, Any]) -> bytes:
    """Return a document as the same bytes each time."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _platform(parts: Mapping[str, str]) -> str:
    found = (parts.get("os"), parts.get("architecture"), parts.get("variant"))
    return "/".join(part for part in found if part)
