"""The standard labels of an image, by the OCI image specification's annotation keys.

Example:
    >>> standard_labels({"title": "orders", "vendor": None}, version="1.2.3")
    {'org.opencontainers.image.title': 'orders', 'org.opencontainers.image.version': '1.2.3'}
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "org.opencontainers.image."


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


def rfc3339(epoch: int) -> str:
    """Return the moment in UTC, as in `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
