"""One image in an OCI archive, as `docker save` and Dagger's `as_tarball` write it.

Layout: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keelway.errors import StageError
from keelway.registry.content import Descriptor, Manifest, digest_of, json_object

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.model.image import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The manifest in an archive, and what points to it there."""

    path: Path
    entry: dict[str, Any]
    """The descriptor as the archive's index has it, with the platform."""
    manifest: Manifest

    @property
    def config(self) -> Digest:
        """Return the digest of the configuration: the image's id."""
        return Descriptor.parse(self.manifest.document["config"]).digest

    def blobs(self) -> tuple[Descriptor, ...]:
        """Return what the manifest points to: layers, lowest first, and then the configuration."""
        return (*self.manifest.layers(), Descriptor.parse(self.manifest.document["config"]))

    def read(self, digest: Digest, *, stage: str) -> bytes:
        """Return the bytes of a blob, checked.

        Raises:
            StageError: It is not there, or it has another digest.
        """
        with tarfile.open(self.path) as tar:
            data = _member(tar, digest, stage=stage)
        if digest_of(data) != digest:
            raise StageError(f"{self.path.name}: the blob {digest} was changed", stage=stage)
        return data


def open_archive(path: Path, *, stage: str) -> Archive:
    """Return what an archive holds.

    Args:
        path: The archive.
        stage: Which stage it is for, for errors.

    Raises:
        StageError: It cannot be read, or does not hold exactly one image.
    """
    try:
        with tarfile.open(path) as tar:
            listed: list[dict[str, Any]] = json_object(_bytes(tar, "index.json"))["manifests"]
            (entry,) = listed
            found = Descriptor.parse(entry)
            data = _member(tar, found.digest, stage=stage)
        if digest_of(data) != found.digest:
            raise StageError(f"{path.name}: the manifest was changed", stage=stage)
        archive = Archive(path=path, entry=entry, manifest=Manifest.parse(data, found.media_type))
        archive.blobs()
    except (OSError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise StageError(
            f"{path.name} is no archive of one image", stage=stage, why=str(error)
        ) from error
    return archive


def _member(tar: tarfile.TarFile, digest: Digest, *, stage: str) -> bytes:
    algorithm, _, name = digest.partition(":")
    try:
        return _bytes(tar, f"blobs/{algorithm}/{name}")
    except KeyError as error:
        raise StageError(f"the archive lacks the blob {digest}", stage=stage) from error


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    if member is None:
        raise KeyError(name)
    with member:
        return member.read()
