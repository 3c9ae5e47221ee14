"""What is in the registries now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.model.image import Digest, Reference

if TYPE_CHECKING:
    from keelway.model.evidence import Attestations, Signatures
    from keelway.model.outcome import Skipped
    from keelway.model.platform import Platform
    from keelway.model.rollout import Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTag:
    """One tag in one repository."""

    repository: str
    """`host[:port]/path`, without a tag."""
    tag: str
    """The tag."""
    digest: Digest
    """Of the multi-platform index that the tag names."""

    @property
    def reference(self) -> Reference:
        """Return the reference by tag and digest: for people and machines at once."""
        return Reference(f"{self.repository}:{self.tag}@{self.digest}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedImage:
    """One image under all its tags; every tag names the same digest."""

    name: str
    """The image's name."""
    digest: Digest
    """Of the index, or of the image where there is one platform."""
    platforms: tuple[Platform, ...]
    """What it is for."""
    tags: tuple[PublishedTag, ...]
    """What names it now, registry by registry."""

    def references(self) -> tuple[Reference, ...]:
        """Return one reference by digest for each repository, without tags."""
        repositories = dict.fromkeys(tag.repository for tag in self.tags)
        return tuple(Reference(f"{name}@{self.digest}") for name in repositories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The result of the publish stage."""

    images: tuple[PublishedImage, ...]
    """Each image, once."""
    missing: tuple[str, ...] = ()
    """What is in a fall-back alone, since its own registry did not answer: with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The result of `deliver`: what left the house."""

    published: Published
    """What is in the registries."""
    signatures: Signatures | Skipped
    """What is signed."""
    attestations: Attestations | Skipped
    """What is stated."""
    rollout: Rollout | Skipped | None = None
    """Where it is deployed; nothing where there is no target at all."""
