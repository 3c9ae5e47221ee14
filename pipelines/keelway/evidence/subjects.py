"""What there is to say something about: an image's index, and each platform that it lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.errors import StageError
from keelway.model.evidence import Subject
from keelway.model.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.published import PublishedImage
    from keelway.registry.client import Repository
    from keelway.registry.content import Manifest

_NO_PLATFORM = "unknown/unknown"  # BuildKit's attestation manifests


async def find_subjects(
    repositories: Mapping[str, Repository],
    image: PublishedImage,
    *,
    stage: str,
    read_from: str | None = None,
) -> tuple[Subject, ...]:
    """Return the subjects of a published image, its index first; of one platform it is the whole.

    Args:
        repositories: Open ones, by name.
        image: The image; its index is read from its first repository, and checked.
        stage: Which stage it is for, for errors.
        read_from: The repository that it is read from, if not from the first.

    Raises:
        RegistryError: The index is not there, or its bytes are not what the digest says.
        StageError: The index cannot be read.
    """
    names = tuple(dict.fromkeys(tag.repository for tag in image.tags))
    found = await repositories[read_from or names[0]].manifest(image.digest)
    only = image.platforms[0] if image.platforms else None
    return subjects_in(found, image.name, names, stage=stage, only=only)


def subjects_in(
    found: Manifest,
    image: str,
    repositories: tuple[str, ...],
    *,
    stage: str,
    only: Platform | None = None,
) -> tuple[Subject, ...]:
    """Return the subjects in an index or a manifest.

    Args:
        found: What was read.
        image: The image's name.
        repositories: Where it is kept.
        stage: Which stage it is for, for errors.
        only: The platform of a manifest that stands alone.

    Raises:
        StageError: The index cannot be read.
    """
    single = None if found.is_index else only
    subjects = [
        Subject(image=image, platform=single, digest=found.digest, repositories=repositories)
    ]
    try:
        listed = found.manifests() if found.is_index else ()
    except ValueError as error:
        raise StageError(f"the index of {image} cannot be read", stage=stage, why=str(error)) from (
            error
        )
    subjects += [
        Subject(
            image=image,
            platform=Platform(entry.platform),
            digest=entry.digest,
            repositories=repositories,
        )
        for entry in listed
        if entry.platform is not None and entry.platform != _NO_PLATFORM
    ]
    return tuple(subjects)
