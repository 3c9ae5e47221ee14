"""Images that were built: one container for each image and platform.

Example:
    >>> Digest("sha256:" + "0" * 64)[:12]
    'sha256:00000'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import dagger

    from keelway.model.platform import Platform

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""

Reference = NewType("Reference", str)
"""A full image reference: `registry/repository:tag` or `...@sha256:...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """One image for one platform, built and labelled: what is scanned is what ships."""

    name: str
    """The image's name."""
    platform: Platform
    """What it was built for."""
    container: dagger.Container
    """The image, as the engine has it."""
    archive: str | None = None
    """The file that holds it, of an image that another machine built: that is what is published."""
    coming: Callable[[], Awaitable[BuiltImage]] | None = field(
        default=None, compare=False, repr=False
    )
    """Waits for an image whose build goes on; `built()` asks it."""

    async def built(self) -> BuiltImage:
        """Return the image once it is built; `container` is the same one, before that too.

        What is done with an image that is not built yet waits in the engine, and counts the time
        as its own.
        """
        return self if self.coming is None else await self.coming()

    @property
    def label(self) -> str:
        """Return what people read: `orders (linux/amd64)`."""
        return f"{self.name} ({self.platform})"

    def tarball(self) -> dagger.File:
        """Return the image as an OCI archive, for tools that read one."""
        return self.container.as_tarball()


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Everything that was built, in the order of the config, platforms in the order given."""

    variants: tuple[BuiltImage, ...]
    """One for each image and platform."""

    def names(self) -> tuple[str, ...]:
        """Return each image's name once."""
        return tuple(dict.fromkeys(variant.name for variant in self.variants))

    def of(self, name: str) -> tuple[BuiltImage, ...]:
        """Return all platforms of one image."""
        return tuple(variant for variant in self.variants if variant.name == name)
