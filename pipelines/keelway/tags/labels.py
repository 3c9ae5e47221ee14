"""The standard labels of an image, by the OCI image specification's annotation keys.

Example:
    >>> standard_labels({"title": "orders", "vendor": None}, version="1.2.3")
    {'org.opencontainers.image.title': 'orders', 'org.opencontainers.image.version': '1.2.3'}
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelway.tags.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "org.opencontainers.image."
BASE_LABELS = (f"{PREFIX}base.digest", f"{PREFIX}base.name")


def standard_labels(
    described: Mapping[str, str | None],
    *,
    version: str | None = None,
    revision: str | None = None,
    epoch: int | None = None,
) -> dict[str, str]:
    """Return the labels that have a value, sorted by key.

    Args:
        described: What the project says of itself: title, description, url, source, ...
        version: The first tag of the release.
        revision: The commit, in full.
        epoch: Seconds since 1970; `created` comes from it, and never from the clock.
    """
    created = None if epoch is None else rfc3339(epoch)
    values = {**described, "version": version, "revision": revision, "created": created}
    return {f"{PREFIX}{key}": value for key, value in sorted(values.items()) if value is not None}


def base_labels(reference: str | None, digest: str | None = None) -> dict[str, str]:
    """Return the labels that name the base image of the final stage, as far as it is known.

    Args:
        reference: As the Dockerfile has it; a digest in it is what was built from.
        digest: What the reference's tag named when it was built.

    >>> base_labels("debian:12", "sha256:" + "a" * 64)["org.opencontainers.image.base.name"]
    'docker.io/library/debian:12'
    """
    try:
        parsed = None if reference is None else parse_reference(reference)
    except BadReferenceError:
        parsed = None
    if parsed is None:
        return {}
    name = replace(parsed, digest=None)
    found = {f"{PREFIX}base.name": str(name)}
    known = parsed.digest or digest
    return found if known is None else {f"{PREFIX}base.digest": known, **found}


def rfc3339(epoch: int) -> str:
    """Return the moment in UTC, as in `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
