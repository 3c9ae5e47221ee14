"""What a shell is offered for the words of a command line: by Typer, and what is here beside it.

A shell waits for the answer, and nothing that goes wrong may be written between its words: where
there is no configuration, or a wrong one, nothing is offered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway.errors import KeelwayError
from keelway.model.platform import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.config import Loaded


def complete_platform(incomplete: str) -> list[str]:
    """Return the platforms that can be built for."""
    return _beginning(KNOWN, incomplete)


def complete_base(incomplete: str) -> list[str]:
    """Return the base images of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.base, incomplete)


def complete_published(incomplete: str) -> list[str]:
    """Return the repositories that the images of the configuration are published to."""
    loaded = _loaded()
    if loaded is None:
        return []
    names = [
        f"{registry.url.rstrip('/')}/{image}"
        for registry in loaded.config.registries
        for image in loaded.config.images
    ]
    return _beginning(names, incomplete)


def complete_image(incomplete: str) -> list[str]:
    """Return the images of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.images, incomplete)


def complete_targets(incomplete: str) -> list[str]:
    """Return the deploy targets of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.deploy, incomplete)


def complete_service(incomplete: str) -> list[str]:
    """Return the services of the compose file of this folder."""
    from keelway._cli.env import environment  # noqa: PLC0415 -- likewise
    from keelway.compose.loader import load_project  # noqa: PLC0415 -- for one command only

    try:
        project = load_project(environment=environment(), profiles=["*"])
    except KeelwayError:
        return []
    return _beginning(project.services, incomplete)


def _loaded() -> Loaded | None:
    from keelway.config import load_config  # noqa: PLC0415 -- not for every completion

    try:
        return load_config(Path.cwd())
    except KeelwayError:
        return None


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
