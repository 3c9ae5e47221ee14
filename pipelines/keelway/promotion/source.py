"""Which image a command means, and what it is called in registries. Pure.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig
    >>> debug = ImageConfig(repository="shop", tag_suffix="-debug")
    >>> config = Config(
    ...     project=ProjectConfig(name="shop"),
    ...     images={"tools": debug},
    ...     registries=(RegistryConfig(url="registry.test/team"),),
    ... )
    >>> str(find_source(config, "tools:1.0").reference)
    'registry.test/team/shop:1.0-debug'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.config.naming import image_named, images_in, published_name
from keelway.errors import PlanError
from keelway.model.registry import PublishedName
from keelway.tags.reference import BadReferenceError, ImageReference, parse_reference

if TYPE_CHECKING:
    from keelway.config import Config

_LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An image, and where it is."""

    reference: ImageReference
    """Where it is, by tag or digest."""
    image: str
    """Its name in the configuration; the end of its repository where it is not in there."""
    published: PublishedName
    """What it is called in any registry."""


def find_source(config: Config | None, image: str) -> Source:
    """Return what an image's name stands for: of a configured one, its first repository.

    Args:
        config: What was written, where there is anything.
        image: A reference; or the name of a configured image, with a tag of the release or its
            own, or with a digest.

    Raises:
        PlanError: It is no reference, or several images could be meant.
    """
    name = image.partition("@")[0].partition(":")[0]
    if config is not None and name in config.images and config.registries:
        return _configured(config, name, image)
    reference = _parsed(image)
    known = None
    if config is not None:
        known = image_named(config, reference.path, reference.tag)
        if known is None:
            _refuse_several(config, reference)
    if config is None or known is None:
        last = reference.path.rpartition("/")[2]
        return Source(reference=reference, image=last, published=PublishedName(repository=last))
    return Source(reference=reference, image=known, published=published_name(config, known))


def _configured(config: Config, name: str, image: str) -> Source:
    published = published_name(config, name)
    written = _parsed(image)
    tag = published.own_tag(written.tag or _LATEST)
    place = f"{config.registries[0].url.rstrip('/')}/{published.repository}"
    rest = f":{tag}" if written.digest is None else f"@{written.digest}"
    return Source(reference=_parsed(f"{place}{rest}"), image=name, published=published)


def _refuse_several(config: Config, reference: ImageReference) -> None:
    """Refuse what more than one image could be: each has tags of its own there.

    Raises:
        PlanError: It is so.
    """
    several = images_in(config, reference.path)
    if len(several) < 2:  # noqa: PLR2004 - two are several
        return
    first = next(iter(several))
    rest = f"@{reference.digest}" if reference.digest else f":{reference.tag or _LATEST}"
    raise PlanError(
        f"{reference} could be any of {', '.join(several)}, which share a repository",
        next_step=f"say which: {first}{rest}",
    )


def _parsed(image: str) -> ImageReference:
    try:
        return parse_reference(image)
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
