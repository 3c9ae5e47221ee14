"""Which images have to be built again, and why.

Example:
    >>> changes = Changes(since="main", images=(
    ...     ImageChange(image="orders", changed=True, reason="services/orders/app.py changed"),
    ...     ImageChange(image="worker", changed=False, reason="no input changed since main"),
    ... ))
    >>> changes.changed()
    ('orders',)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInputs:
    """What the build of an image reads of the repository."""

    image: str
    context: Path
    """The build context, absolute."""
    dockerfile: str = "Dockerfile"
    """Relative to the context."""
    exclude: tuple[str, ...] = ()
    """What is left out of the context beside what its ignore file leaves out."""
    others: tuple[Path, ...] = ()
    """Named contexts and files elsewhere, absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """Whether one image has to be built again."""

    image: str
    """The image's name."""
    changed: bool
    """Whether it has to be built again."""
    reason: str
    """What changed, or why it is taken for changed; for others, since when nothing did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became of the images' inputs since another commit."""

    since: str
    """The commit as it was asked for: a branch, a tag, digits."""
    images: tuple[ImageChange, ...]
    """In the order in which they were given."""
    base: str | None = None
    """The commit that was compared with: where the history parted from `since`."""
    note: str | None = None
    """Why every image is taken for changed, where git cannot tell."""

    def changed(self) -> tuple[str, ...]:
        """Return the names of the images that have to be built again."""
        return tuple(one.image for one in self.images if one.changed)
