"""What images are called in a registry: their repositories, and their tags.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig
    >>> debug = ImageConfig(repository="shop", tag_suffix="-debug")
    >>> config = Config(project=ProjectConfig(name="shop"), images={"tools": debug})
    >>> published_name(config, "tools").reference("registry.test/team", "1.0")
    'registry.test/team/shop:1.0-debug'
    >>> image_named(config, "team/shop", "1.0-debug")
    'tools'
    >>> told_apart({"shop": "", "tools": "-debug"}, "1.0")
    'shop'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.registry import PublishedName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.config.root import Config


def published_name(config: Config, image: str) -> PublishedName:
    """Return what an image of the configuration is called in a registry."""
    written = config.images[image]
    return PublishedName(repository=written.repository or image, suffix=written.tag_suffix)


def repositories_of(config: Config) -> tuple[str, ...]:
    """Return the repositories of all images, below a registry's prefix, each once."""
    return tuple(dict.fromkeys(published_name(config, name).repository for name in config.images))


def images_in(config: Config, repository: str) -> dict[str, PublishedName]:
    """Return the images that are published to a repository, with what they are called there.

    Args:
        config: What was written.
        repository: Its path, with or without what stands before the image's own part.
    """
    named = {name: published_name(config, name) for name in config.images}
    return {
        name: one for name, one in named.items() if f"/{repository}".endswith(f"/{one.repository}")
    }


def told_apart(suffixes: Mapping[str, str], tag: str) -> str | None:
    """Return which image of a repository has a tag: that with the longest end that fits.

    Args:
        suffixes: The ends of the tags of all images that share the repository, by image.
        tag: What is there.
    """
    fitting = {name: len(suffix) for name, suffix in suffixes.items() if tag.endswith(suffix)}
    longest = [name for name, length in fitting.items() if length == max(fitting.values())]
    return longest[0] if len(longest) == 1 else None


def image_named(config: Config, repository: str, tag: str | None) -> str | None:
    """Return which image is called so, nothing when none is or when several could be.

    Args:
        config: What was written.
        repository: Its path, with or without what stands before the image's own part.
        tag: By its end images are told apart that share the repository.
    """
    here = images_in(config, repository)
    if len(here) > 1 and tag is not None:
        return told_apart({name: one.suffix for name, one in here.items()}, tag)
    return next(iter(here)) if len(here) == 1 else None
