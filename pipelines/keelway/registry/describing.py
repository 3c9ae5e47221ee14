"""What a published image says of itself: version, commit, time and branch of its labels.

Annotations of the index go first, then the labels in the configuration of its first platform.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from keelway.errors import RegistryError
from keelway.registry.content import Descriptor, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.image import Digest
    from keelway.registry.client import Repository
    from keelway.registry.content import Manifest

_PREFIX = "org.opencontainers.image."
_NO_PLATFORM = "unknown/unknown"
_FIRST_YEAR = 1980
"""Reproducible builds that know no time write the beginning of one: that tells no age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """An image, by its own words."""

    digest: Digest
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Annotations and labels, all in one."""
    created: datetime | None = None
    """When it was made, aware and in UTC; nothing where it does not say so."""

    @property
    def version(self) -> str | None:
        """Return the version that its labels carry."""
        return self.labels.get(f"{_PREFIX}version")

    @property
    def revision(self) -> str | None:
        """Return the commit that it was built from."""
        return self.labels.get(f"{_PREFIX}revision")


async def describe(repository: Repository, manifest: Manifest) -> Described:
    """Return what an index or a manifest says of itself.

    Args:
        repository: Where it is.
        manifest: The index or the manifest.

    Raises:
        RegistryError: The registry refuses, or gives what cannot be read.
    """
    labels: dict[str, str] = {}
    created: datetime | None = None
    first = await _first_platform(repository, manifest)
    if first is not None:
        config = await _config(repository, first)
        inner = config.get("config")
        given = cast("Mapping[str, Any]", inner).get("Labels") if isinstance(inner, dict) else None
        labels |= _texts(given)
        created = read_moment(config.get("created"))
        labels |= _texts(first.document.get("annotations"))
    labels |= _texts(manifest.document.get("annotations"))
    created = read_moment(labels.get(f"{_PREFIX}created")) or created
    return Described(digest=manifest.digest, labels=labels, created=created)


def read_moment(value: object) -> datetime | None:
    """Return a time that is written as RFC 3339, in UTC; nothing where it tells no age.

    >>> read_moment("2026-03-01T12:00:00Z").isoformat()
    '2026-03-01T12:00:00+00:00'
    >>> read_moment("1970-01-01T00:00:00Z") is None
    True
    """
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return None if found.year < _FIRST_YEAR else found.astimezone(UTC)


async def _first_platform(repository: Repository, manifest: Manifest) -> Manifest | None:
    if not manifest.is_index:
        return manifest
    for entry in manifest.manifests():
        if entry.platform != _NO_PLATFORM:
            found = await repository.find(entry.digest)
            return None if found is None or found.is_index else found
    return None


async def _config(repository: Repository, manifest: Manifest) -> Mapping[str, Any]:
    """Return the configuration of an image; an empty one where it is another artifact."""
    try:
        descriptor = Descriptor.parse(manifest.document["config"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
    if not descriptor.media_type.endswith(("image.config.v1+json", "container.image.v1+json")):
        return {}
    data = await repository.blob(descriptor)
    try:
        return json_object(data)
    except ValueError as error:
        raise RegistryError(
            f"{repository.name}@{manifest.digest} has a configuration that cannot be read",
            stage="registry",
            why=str(error),
        ) from error


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    pairs = cast("Mapping[object, object]", found).items()
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}
