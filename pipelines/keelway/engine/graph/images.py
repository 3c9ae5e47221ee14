"""Operations on whole images: the tree of one, and a tarball of several."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRoot:
    """The layers of an image that a registry or a tarball has. No inputs."""

    layers: tuple[str, ...]
    """Digests of the layer blobs, oldest first: with them the tree is decided."""
    source: str = field(repr=False, compare=False)
    """The store's image as JSON: where the blobs come from when they are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tarball:
    """`container.tar`: an OCI layout of the inputs, which are the images' root file systems."""

    images: tuple[TarballImage, ...]
    compression: str | None
    media_types: str
    epoch: int | None
    """Seconds since 1970 that times are clamped to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TarballImage:
    """One image of a tarball: all but its layers."""

    platform: str
    config: str
    """The image configuration as canonical JSON, without layers and history."""
    annotations: tuple[tuple[str, str], ...] = ()
