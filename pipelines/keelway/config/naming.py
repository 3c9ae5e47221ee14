"""What images are called in a registry: their repositories, and their tags.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig
    >>> debug = ImageConfig(repository="shop", tag_suffix="-debug")
    >>> config = Config(project=ProjectConfig(name="shop"), images={"tools": debug})
    >>> published_name(config, "tools").reference("registry.test/team", "1.0")
    'registry.test/team/shop:1.0-debug'
    >>> image_named(config, "team/shop", "1.0-debug")
    'tools'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.registry import PublishedName

if TYPE_CHECKING:
    from keelway.config.root import Config


def published_name(config: Config, image: str) -> PublishedName:
    """Return what an image of the configuration is called in a registry."""
    written = config.images[image]
    return PublishedName(repository=written.repository or image, suffix=written.tag_suffix)


def repositories_of(config: Config) -> tuple[str, ...]:
    """Return the repositories of all images, below a registry's prefix, each once."""
    return tuple(dict.fromkeys(published_name(config, name).repository for name in config.images))


def image_named(config: Config, repository: str, tag: str | None) -> str | None:
    """Return which image is called so, nothing when none is or when several could be.

    Args:
        config: What was written.
        repository: Its path, with or without what stands before the image's own part.
        tag: By its end images are told apart that share the repository.
    """
    named = {name: published_name(config, name) for name in config.images}
    here = {
        name: one for name, one in named.items() if f"/{repository}".endswith(f"/{one.repository}")
    }
    if len(here) > 1 and tag is not None:
        fitting = {name: one for name, one in here.items() if tag.endswith(one.suffix)}
        longest = max((len(one.suffix) for one in fitting.values()), default=0)
        here = {name: one for name, one in fitting.items() if len(one.suffix) == longest}
    return next(iter(here)) if len(here) == 1 else None
