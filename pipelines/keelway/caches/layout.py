"""A cache in a folder: an OCI image layout with one artifact, and who signed it.

The signature is an annotation of the manifest, over all of the manifest but itself. So it comes
along wherever the artifact is copied to, and names each blob by its digest.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keelway.errors import StageError
from keelway.registry.content import Descriptor, Manifest, digest_of, json_object, serialize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STAGE = "cache"
ARTIFACT = "application/vnd.keelway.cache.v1"
"""The artifact's type, and that of its layers is what each of them is."""
INDEX = "application/vnd.keelway.cache.index.v1+json"
"""The list of results: the artifact's configuration."""
SIGNATURE = "dev.keelway.cache.signature"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
KEY_LENGTH = 32
"""Of a key, at least: what is shorter is guessed."""
_PURPOSE = b"keelway cache v1\n"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_WAY = "hmac-sha256:"


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder with a cache."""

    folder: Path

    def blob(self, digest: str) -> Path:
        """Return where a blob is, or would be."""
        return self.folder / "blobs" / digest.replace(":", "/", 1)

    def manifest(self) -> Manifest:
        """Return the manifest, checked.

        Raises:
            StageError: The folder has no cache, or its manifest is damaged.
        """
        try:
            index = json_object((self.folder / "index.json").read_bytes())
            (entry,) = index["manifests"]
            found = Descriptor.parse(entry)
            data = self.blob(found.digest).read_bytes()
            _check_digest(data, found)
            return checked(Manifest.parse(data, found.media_type))
        except FileNotFoundError as error:
            raise StageError(
                f"there is no cache in {self.folder}", stage=STAGE, why=f"no {error.filename}"
            ) from error
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise StageError(
                f"{self.folder} holds no cache that can be read", stage=STAGE, why=str(error)
            ) from error

    def put(self, manifest: Manifest) -> None:
        """Make a manifest the folder's; blobs are put beside it by others."""
        place = self.blob(manifest.digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(manifest.data)
        (self.folder / "oci-layout").write_bytes(_LAYOUT)
        entry = {**manifest.descriptor.document(), "artifactType": ARTIFACT}
        top = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        }
        new = self.folder / ".index.json"
        new.write_bytes(serialize(top))
        new.replace(self.folder / "index.json")

    def sign(self, key: str) -> Manifest:
        """Sign the folder's manifest, and return it."""
        before = self.manifest()
        document = dict(before.document)
        document["annotations"] = {
            **document.get("annotations", {}), SIGNATURE: signature(document, key)
        }  # fmt: skip
        signed = Manifest.parse(serialize(document), before.media_type)
        self.put(signed)
        if before.digest != signed.digest:
            self.blob(before.digest).unlink()
        return signed


def _check_digest(data: bytes, descriptor: Descriptor) -> None:
    if digest_of(data) != descriptor.digest:
        raise ValueError("its manifest is damaged")


def checked(manifest: Manifest) -> Manifest:
    """Return a manifest that is a cache's.

    Raises:
        ValueError: It is something else's.
    """
    if manifest.document.get("artifactType") != ARTIFACT:
        raise ValueError("it is an image, or an artifact of another kind")
    if manifest.document["config"]["mediaType"] != INDEX:
        raise ValueError("its list of results is of a form that this version does not know")
    return manifest


def believe(manifest: Manifest, key: str, *, where: str) -> None:
    """Ask whether a manifest was signed by a key.

    Raises:
        StageError: It was not: nothing of it is used.
    """
    given = _annotations(manifest.document).get(SIGNATURE)
    if given is None:
        raise StageError(
            f"the cache of {where} is not signed, and only what [cache].key signed is believed",
            stage=STAGE,
            next_step="let a trusted run write it, with the same key",
        )
    if not hmac.compare_digest(given, signature(manifest.document, key)):
        raise StageError(
            f"the cache of {where} was not signed by [cache].key: forged, or the key changed",
            stage=STAGE,
            next_step="find out who wrote it, or remove it; a trusted run makes it anew",
        )


def signature(document: Mapping[str, Any], key: str) -> str:
    """Return the signature of a manifest, as its annotation says it.

    >>> signature({"a": 1, "annotations": {SIGNATURE: "x"}}, "k") == signature({"a": 1}, "k")
    True
    """
    bare = {name: value for name, value in document.items() if name != "annotations"}
    others = {name: value for name, value in _annotations(document).items() if name != SIGNATURE}
    told = json.dumps([bare, others], sort_keys=True, separators=(",", ":")).encode()
    return _WAY + hmac.new(key.encode(), _PURPOSE + told, hashlib.sha256).hexdigest()


def _annotations(document: Mapping[str, Any]) -> dict[str, str]:
    found: Mapping[object, object] = document.get("annotations") or {}
    # As ASCII: what a comparison in constant time takes.
    return {str(name): ascii(value)[1:-1] for name, value in found.items()}
