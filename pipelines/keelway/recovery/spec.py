"""What is copied where, decided. Pure.

Example:
    >>> spec = copy_to("ghcr.io/shop/orders:1.0", "mirror.test/shop", tags=("1",), prefixes=())
    >>> spec.target, spec.tags
    ('mirror.test/shop/orders', ('1.0', '1'))
    >>> restore_from("ghcr.io/shop/orders:1.0", "mirror.test/shop", tags=(), prefixes=()).source
    'mirror.test/shop/orders'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.tags.reference import BadReferenceError, parse_reference, parse_repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.tags.reference import ImageReference


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySpec:
    """One image, or all that one repository names, copied from there to here."""

    source: str
    """The repository that has it, as `host[:port]/path`."""
    target: str
    """The repository that gets it."""
    what: str | None
    """A tag or a digest; every tag where there is none."""
    tags: tuple[str, ...] = ()
    """What names it in the target."""


def copy_to(image: str, target: str, *, tags: Sequence[str], prefixes: Sequence[str]) -> CopySpec:
    """Return how an image is copied below another prefix.

    Args:
        image: By tag or digest.
        target: The prefix: the image's name is appended to it after a slash.
        tags: More tags for it there.
        prefixes: Registries of the configuration; the name is what follows one of them.

    Raises:
        PlanError: One of the references is none, or both are the same.
    """
    parsed, what = _image(image)
    there = _below(target, _name(parsed, prefixes))
    return _spec(parsed.repository, there, what, tags)


def restore_from(
    image: str, source: str, *, tags: Sequence[str], prefixes: Sequence[str]
) -> CopySpec:
    """Return how an image is restored from below another prefix.

    Args:
        image: By tag or digest, as it was called where it is lost.
        source: The prefix that has it still.
        tags: More tags for it.
        prefixes: Registries of the configuration; the name is what follows one of them.

    Raises:
        PlanError: One of the references is none, or both are the same.
    """
    parsed, what = _image(image)
    there = _below(source, _name(parsed, prefixes))
    return _spec(there, parsed.repository, what, tags)


def copy_everything(source: str, target: str, images: Sequence[str]) -> tuple[CopySpec, ...]:
    """Return how all tags of all images are copied from one prefix to another.

    Raises:
        PlanError: One of the prefixes is none, or both are the same.
    """
    return tuple(_spec(_below(source, name), _below(target, name), None, ()) for name in images)


def _image(image: str) -> tuple[ImageReference, str]:
    try:
        parsed = parse_reference(image)
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
    return parsed, parsed.digest or parsed.tag or "latest"


def _name(parsed: ImageReference, prefixes: Sequence[str]) -> str:
    for prefix in prefixes:
        if parsed.repository.startswith(f"{prefix.rstrip('/')}/"):
            return parsed.repository.removeprefix(f"{prefix.rstrip('/')}/")
    return parsed.path.rpartition("/")[2]


def _below(prefix: str, name: str) -> str:
    try:
        return parse_repository(f"{prefix.rstrip('/')}/{name}").repository
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/path") from error


def _spec(source: str, target: str, what: str | None, tags: Sequence[str]) -> CopySpec:
    if source == target:
        raise PlanError(
            f"{source} would be copied to itself", next_step="name another registry or path"
        )
    by_tag = () if what is None or ":" in what else (what,)
    return CopySpec(
        source=source, target=target, what=what, tags=tuple(dict.fromkeys((*by_tag, *tags)))
    )
