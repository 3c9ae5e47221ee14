"""What is wrong between environments, and what names one that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.config.explain import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.config.environments import EnvironmentConfig
    from keelway.config.explain import Place
    from keelway.config.root import Config
    from keelway.errors import ConfigProblem


def environment_problems(config: Config, place: Place) -> Iterator[ConfigProblem]:
    """Yield what is wrong with the order, and targets in an environment that there is not."""
    environments = config.environments
    yield from _retention_problems(config, place)
    for name, target in config.deploy.items():
        named = target.environment
        if named is not None and environments and named not in environments:
            text = f"no such environment: {named}"
            yield place.problem(("deploy", name, "environment"), text, nearest(named, environments))
    for name, environment in environments.items():
        before = environment.after
        if before is None:
            continue
        path = ("environments", name, "after")
        if before not in environments:
            yield place.problem(
                path, f"no such environment: {before}", nearest(before, environments)
            )
        elif name in _before(name, environments):
            yield place.problem(path, f"{name} would have to come before itself")


def _retention_problems(config: Config, place: Place) -> Iterator[ConfigProblem]:
    for index, rule in enumerate(config.retention.rules):
        path = ("retention", "rules", index)
        named = rule.environment
        if named is not None and named not in config.environments:
            text = f"no such environment: {named}"
            yield place.problem((*path, "environment"), text, nearest(named, config.environments))
        for image in rule.images:
            if image not in config.images:
                text = f"no such image: {image}"
                yield place.problem((*path, "images"), text, nearest(image, config.images))


def _before(name: str, environments: Mapping[str, EnvironmentConfig]) -> set[str]:
    """Return all environments that an image passes before this one."""
    found: set[str] = set()
    before = environments[name].after
    while before is not None and before in environments and before not in found:
        found.add(before)
        before = environments[before].after
    return found
