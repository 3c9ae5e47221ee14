"""The form in which a cache travels: an OCI image layout that holds one artifact.

Its configuration is the list of results; its layers are the blobs that these need. So whatever
copies OCI artifacts copies caches too: to a registry and from one, or into an archive. Only the
digest of the manifest has to be trusted: it names all the rest by content.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from keelway.engine.errors import EngineError
from keelway.engine.store.descriptor import OCI_MANIFEST, Descriptor, hex_of, sha256
from keelway.engine.store.manifest import canonical, descriptor_json, parse_index, parse_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.engine.store.manifest import Manifest

ARTIFACT = "application/vnd.keelway.cache.v1"
INDEX = "application/vnd.keelway.cache.index.v1+json"
PLAIN = "application/octet-stream"
FORMAT = 2
_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelled:
    """What was in a cache, and how much of it had to be moved."""

    digest: str
    """Of the artifact's manifest."""
    results: int
    """Operations that need not run again."""
    blobs: int
    size: int
    """Bytes of all blobs."""
    moved: int
    """Bytes of those that were not there before."""
    refused: tuple[str, ...] = ()
    """What is wrong with parts that were not taken: what they hold is made again."""


class Entry(NamedTuple):
    """One result of the store's table."""

    key: bytes
    value: bytes
    description: str
    layers: tuple[str, ...]
    blobs: tuple[str, ...]
    used: int
    """Nanoseconds since 1970."""


class VolumeBlob(NamedTuple):
    """What a cache volume held, as a blob."""

    identity: str
    digest: str
    used: int
    """Nanoseconds since 1970."""


class Memo(NamedTuple):
    """One thing that the store remembers of a layer."""

    kind: str
    key: str
    value: str


class CacheFolder:
    """A layout on disk; what is not named by its index is not part of it."""

    def __init__(self, root: Path) -> None:
        """Use a folder, which need not be there."""
        self._root = root
        self._blobs = root / "blobs" / "sha256"

    def prepare(self) -> None:
        """Make the folder ready to be written to.

        Raises:
            EngineError: It holds something else.
        """
        marker = self._root / "oci-layout"
        if self._root.is_dir() and any(self._root.iterdir()) and not marker.is_file():
            raise EngineError(
                f"{self._root} holds something that is no cache: name another folder, or empty it"
            )
        self._blobs.mkdir(parents=True, exist_ok=True)
        marker.write_bytes(_LAYOUT)

    def path(self, digest: str) -> Path:
        """Return where a blob is, or would be."""
        return self._blobs / hex_of(digest)

    def has(self, blob: Descriptor) -> bool:
        """Tell whether a blob is there in its full length."""
        try:
            return self.path(blob.digest).stat().st_size == blob.size
        except FileNotFoundError:
            return False

    def write(self, index: bytes, blobs: Sequence[Descriptor]) -> str:
        """Make the blobs a cache, and remove all others; return the manifest's digest."""
        config = self._put(index, INDEX)
        manifest = self._put(
            canonical(
                {
                    "schemaVersion": 2,
                    "mediaType": OCI_MANIFEST,
                    "artifactType": ARTIFACT,
                    "config": descriptor_json(config),
                    "layers": [descriptor_json(blob) for blob in blobs],
                }
            ),
            OCI_MANIFEST,
        )
        top = {
            "schemaVersion": 2,
            "mediaType": _OCI_INDEX,
            "manifests": [descriptor_json(manifest, artifactType=ARTIFACT)],
        }
        # At once: whoever copies the folder meanwhile has the old cache or the new one.
        new = self._root / ".index.json"
        new.write_bytes(canonical(top))
        new.replace(self._root / "index.json")
        kept = {hex_of(blob.digest) for blob in (config, manifest, *blobs)}
        for path in self._blobs.iterdir():
            if path.name not in kept:
                path.unlink()
        return manifest.digest

    def read(self) -> tuple[str, Manifest, dict[str, Any]]:
        """Return the manifest's digest, the manifest, and the list of results.

        Raises:
            EngineError: It is no cache, is damaged, or was written by a later version.
        """
        try:
            (top,) = parse_index((self._root / "index.json").read_bytes())
            manifest = parse_manifest(self._small(top.digest), str(self._root))
            if manifest.config.media_type != INDEX:
                raise EngineError(f"{self._root} holds an image, not a cache")
            index: Any = json.loads(self._small(manifest.config.digest))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EngineError(f"{self._root} holds no cache: {error}") from error
        found = cast("dict[str, Any]", index) if isinstance(index, dict) else {}
        if found.get("format") != FORMAT:
            raise EngineError(
                f"the cache in {self._root} is of a form that this engine does not know: "
                "export it again by this version"
            )
        return top.digest, manifest, found

    def _small(self, digest: str) -> bytes:
        data = self.path(digest).read_bytes()
        if sha256(data) != digest:
            raise EngineError(f"the cache in {self._root} is damaged: {digest} has other content")
        return data

    def _put(self, data: bytes, media_type: str) -> Descriptor:
        digest = sha256(data)
        self.path(digest).write_bytes(data)
        return Descriptor(media_type=media_type, digest=digest, size=len(data))
