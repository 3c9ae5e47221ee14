"""What is wrong between sections that are each right by themselves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from keelway.config.environment_checks import environment_problems
from keelway.config.explain import nearest
from keelway.config.fault_checks import fault_problems
from keelway.config.naming import published_name
from keelway.errors import ConfigError, PlanError
from keelway.model.platform import parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keelway.config.explain import Place
    from keelway.config.image import ImageConfig
    from keelway.config.positions import KeyPath
    from keelway.config.root import Config
    from keelway.errors import ConfigProblem


def check_config(config: Config, place: Place) -> None:
    """Look at everything that needs more than one key to be seen.

    Raises:
        ConfigError: With all that is wrong.
        PlanError: When a platform is well written but nobody can build for it.
    """
    _check_platforms_are_known(config, place)
    problems = [
        *_repeated(config, place),
        *_image_problems(config, place),
        *_name_problems(config, place),
        *_scan_problems(config, place),
        *fault_problems(config.integration, place),
        *environment_problems(config, place),
    ]
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))


def _platform_lists(config: Config) -> Iterator[tuple[KeyPath, Sequence[str]]]:
    for name, image in config.images.items():
        yield ("images", name, "platforms"), image.platforms
    for name, base in config.base.items():
        yield ("base", name, "platforms"), base.platforms
    yield ("integration", "platforms"), config.integration.platforms


def _check_platforms_are_known(config: Config, place: Place) -> None:
    for path, platforms in _platform_lists(config):
        for index, platform in enumerate(platforms):
            try:
                parse_platform(platform)
            except PlanError as error:
                problem = place.problem((*path, index), error.message)
                raise PlanError(str(problem), next_step=error.next_step) from error


def _repeated(config: Config, place: Place) -> Iterator[ConfigProblem]:
    """Find what stands in a list twice."""
    lists: list[tuple[KeyPath, Iterable[str]]] = [
        (path, [parse_platform(platform) for platform in platforms])
        for path, platforms in _platform_lists(config)
    ]
    lists += [
        (("images", name, "secrets"), [secret.id for secret in image.secrets])
        for name, image in config.images.items()
    ]
    lists += [
        (("registries",), [registry.url.rstrip("/") for registry in config.registries]),
        (("scan", "scanners"), config.scan.scanners),
        (("sbom", "formats"), config.sbom.formats),
        (("tags", "rules"), config.tags.rules),
        (("integration", "suites"), [suite.name for suite in config.integration.suites]),
        (("notify",), [channel.name or channel.kind for channel in config.notify]),
        (("integration", "faults"), [fault.name for fault in config.integration.faults]),
    ]
    for path, values in lists:
        for value, times in Counter(values).items():
            if times > 1:
                yield place.problem(path, f"{value!r} is there {times} times")


def _image_problems(config: Config, place: Place) -> Iterator[ConfigProblem]:
    for name, image in config.images.items():
        path = ("images", name)
        if not image.platforms:
            yield place.problem((*path, "platforms"), "must not be empty")
        for argument in sorted(image.build_args.keys() & image.bases.keys()):
            text = f"{argument} is given by build_args too: a build argument has one value"
            yield place.problem((*path, "bases", argument), text)
        yield from _base_problems(config, name, image, place)


def _name_problems(config: Config, place: Place) -> Iterator[ConfigProblem]:
    """Find images that nobody could tell apart once they are published."""
    seen: dict[tuple[str, str], str] = {}
    for name in config.images:
        published = published_name(config, name)
        other = seen.setdefault((published.repository, published.suffix), name)
        if other != name:
            text = f"it has the repository and the tags of {other}: give one a tag_suffix"
            yield place.problem(("images", name), text)


def _scan_problems(config: Config, place: Place) -> Iterator[ConfigProblem]:
    for name, scan in config.scan.images.items():
        path = ("scan", "images", name)
        if name not in config.images:
            near = nearest(name, config.images)
            yield place.problem(path, f"there is no [images.{name}]", near)
        elif scan.scanners == () and not config.scan.second_of(name):
            yield place.problem(path, "nobody is asked to look at it")


def _base_problems(
    config: Config, name: str, image: ImageConfig, place: Place
) -> Iterator[ConfigProblem]:
    for argument, wanted in image.bases.items():
        path = ("images", name, "bases", argument)
        base = config.base.get(wanted)
        if base is None:
            near = nearest(wanted, config.base)
            yield place.problem(path, f"there is no [base.{wanted}]", near)
            continue
        made = [parse_platform(platform) for platform in base.platforms]
        missing = [p for p in map(parse_platform, image.platforms) if p not in made]
        if missing:
            text = f"[base.{wanted}] is not made for {', '.join(missing)}, which the image needs"
            yield place.problem(path, text)
