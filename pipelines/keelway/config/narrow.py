"""Fewer images, platforms or test suites than the configuration has. Pure.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig
    >>> config = Config(project=ProjectConfig(name="shop"), images={"orders": ImageConfig()})
    >>> narrow(config, platforms=["linux/arm64"]).images["orders"].platforms
    ('linux/arm64',)
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from keelway.config.fault_checks import FAULTS_SUITE
from keelway.errors import PlanError
from keelway.model.platform import parse_platform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.config.image import ImageConfig
    from keelway.config.integration import IntegrationConfig
    from keelway.config.root import Config
    from keelway.model.platform import Platform


def narrow(
    config: Config,
    *,
    images: Sequence[str] = (),
    platforms: Sequence[str] = (),
    suites: Sequence[str] = (),
) -> Config:
    """Return the configuration with only these images, platforms and suites.

    All of what none is named of. An image that is built for none of the platforms is left out;
    integration tests run for the platforms that are left of theirs.

    Args:
        config: What was written.
        images: Names of images.
        platforms: Platforms.
        suites: Names of test suites; the experiments are one, `faults`.

    Raises:
        PlanError: When there is no such image or suite, or no image is built for such a platform.
    """
    if suites:
        tests = _suites(config.integration, suites)
        config = config.model_copy(update={"integration": tests})
    if not images and not platforms:
        return config
    chosen = {name: config.images[name] for name in config.images if not images or name in images}
    for name in images:
        if name not in config.images:
            raise _unknown("image", name, tuple(config.images))
    wanted = tuple(parse_platform(text) for text in platforms)
    built = dict.fromkeys(place for image in chosen.values() for place in _platforms(image))
    for platform in wanted:
        if platform not in built:
            raise _unknown("image for the platform", platform, tuple(built))
    left = {
        name: image.model_copy(update={"platforms": kept})
        for name, image in chosen.items()
        if (kept := tuple(p for p in _platforms(image) if not wanted or p in wanted))
    }
    gone = config.images.keys() - left.keys()  # a name that nothing has is still told
    asked = {name: one for name, one in config.policy.images.items() if name not in gone}
    update = {
        "images": left,
        "policy": config.policy.model_copy(update={"images": asked}),
        "integration": _tests(config.integration, wanted),
    }
    return config.model_copy(update=update)


def _platforms(image: ImageConfig) -> tuple[Platform, ...]:
    return tuple(parse_platform(text) for text in image.platforms)


def _suites(config: IntegrationConfig, names: Sequence[str]) -> IntegrationConfig:
    known = (*(suite.name for suite in config.suites), *([FAULTS_SUITE] if config.faults else []))
    for name in names:
        if name not in known:
            raise _unknown("test suite", name, known)
    return config.model_copy(
        update={
            "suites": tuple(suite for suite in config.suites if suite.name in names),
            "faults": config.faults if FAULTS_SUITE in names else (),
        }
    )


def _tests(config: IntegrationConfig, wanted: tuple[Platform, ...]) -> IntegrationConfig:
    if not wanted:
        return config
    written = tuple(parse_platform(text) for text in config.platforms)
    left = tuple(platform for platform in wanted if not written or platform in written)
    return config.model_copy(update={"platforms": left} if left else {"enabled": False})


def _unknown(what: str, name: str, known: tuple[str, ...]) -> PlanError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return PlanError(
        f"there is no {what} '{name}'", next_step=f"{hint}known: {', '.join(known) or 'none'}"
    )
