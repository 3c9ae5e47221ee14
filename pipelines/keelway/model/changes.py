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

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CauseKind = Literal["file", "key", "base", "image", "beside", "unknown"]
"""A file of its inputs, a key of the configuration, a base image that is pinned anew, another image
that it is built on or tested beside, or that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInputs:
    """What the build of an image reads of the repository."""

    image: str
    context: Path
    """The build context, absolute."""
    dockerfile: str = "Dockerfile"
    """Relative to the context."""
    targets: tuple[str, ...] = ("",)
    """The stages that are built; the last one where one is empty."""
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    """Build arguments by name, those of base images included."""
    repositories: tuple[str, ...] = ()
    """What others that are built on it may call it, without a tag."""
    exclude: tuple[str, ...] = ()
    """What is left out of the context beside what its ignore file leaves out."""
    others: tuple[Path, ...] = ()
    """Named contexts and files elsewhere, absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that an image is built again for."""

    kind: CauseKind
    """What it is."""
    name: str
    """The file, relative to the top of the working tree; the key; the base or image; a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """Whether one image has to be built again."""

    image: str
    """The image's name."""
    changed: bool
    """Whether it has to be built again."""
    reason: str
    """What changed, or why it is taken for changed; for others, since when nothing did."""
    causes: tuple[Cause, ...] = ()
    """The same one by one, where it changed; at most 100 files are named."""


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
    removed: tuple[str, ...] = ()
    """Images that the configuration had then and has no more: nothing is built of them."""

    def changed(self) -> tuple[str, ...]:
        """Return the names of the images that have to be built again."""
        return tuple(one.image for one in self.images if one.changed)
