"""Rules that a built image shows without being started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.policy import ImageMeasure, LayerMeasure
from keelway.policy.budget import over_budget
from keelway.policy.dockerfile_rules import is_root
from keelway.policy.package_managers import package_managers
from keelway.policy.starting import health_of

if TYPE_CHECKING:
    from keelway.model.platform import Platform
    from keelway.policy.budget import Budget
    from keelway.policy.content import ImageContent


BY_FILES = ("no-package-manager", "budget")
"""Rules that only an image's files show."""


def measured(image: str, platform: Platform, content: ImageContent) -> ImageMeasure:
    """Return how large an image is."""
    return ImageMeasure(
        image=image,
        platform=platform,
        size_bytes=content.size_bytes,
        layers=len(content.tree.layer_bytes),
        largest_layer_bytes=max(content.tree.layer_bytes, default=0),
        wasted_bytes=content.tree.wasted_bytes,
        compressed_bytes=content.compressed_bytes,
        by_layer=tuple(
            LayerMeasure(
                digest=layer.digest,
                size_bytes=size_bytes,
                compressed_bytes=layer.compressed_bytes,
                created_by=layer.created_by,
            )
            # A layer that could not be read has no size: then there are none at all.
            for layer, size_bytes in zip(content.layers, content.tree.layer_bytes, strict=False)
        ),
    )


def broken_by(
    content: ImageContent,
    measure: ImageMeasure,
    *,
    budget: Budget,
    released: ImageMeasure | None,
) -> tuple[tuple[str, str | None], ...]:
    """Return each rule that an image shows, and how it is broken or nothing.

    Where its files are not known, what they would show is left out: see `BY_FILES`.

    Args:
        content: What is in it.
        measure: How large it is.
        budget: How large it may be.
        released: How large it was in the last release, if that is known.
    """
    user = str(content.config.get("User") or "")
    unhealthy = "it has no HEALTHCHECK: nobody can tell whether it works"
    by_config = (
        ("user-not-root", f"it runs as {user or 'root'}" if is_root(user) else None),
        ("healthcheck", unhealthy if health_of(content.config) is None else None),
    )
    if content.unread is not None:
        return by_config
    managers = package_managers(content.tree)
    return (
        *by_config,
        ("no-package-manager", f"it holds {', '.join(managers)}" if managers else None),
        ("budget", "; ".join(over_budget(budget, measure, released)) or None),
    )
