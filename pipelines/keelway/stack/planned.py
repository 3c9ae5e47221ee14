"""What of a compose project is started for the configuration: a suite of tests, or a load test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.compose.project import Attachment, Build, FileGrant, FileSource, Place, Service
from keelway.config.explain import nearest
from keelway.errors import PlanError
from keelway.stack.images import built_image
from keelway.stack.objections import check_project
from keelway.stack.spec import START_LIMIT_S, StackSpec, TestCommand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keelway.compose.project import Notice, Project
    from keelway.config import Config
    from keelway.config.integration import SuiteConfig
    from keelway.facts import Facts
    from keelway.model.registry import RegistrySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSuite:
    """A suite, its services decided."""

    tests: Service
    project: Project
    built: Mapping[str, str]
    """The image that the tests are in, where it is one of this build."""
    notes: tuple[str, ...]


def plan_suite(suite: SuiteConfig, project: Project, config: Config, facts: Facts) -> PlannedSuite:
    """Return the suite as a service, and the project that it is tested with.

    Raises:
        ConfigError: A service that is started cannot be run as it is written.
        PlanError: The suite names a service or an image that there is none of.
    """
    for name in suite.services:
        _check_service(suite, name, project)
    built: dict[str, str] = {}
    if suite.service is not None:
        _check_service(suite, suite.service, project)
        every = {**project.disabled, **project.services}
        tests = every[suite.service]
        others = {name: one for name, one in project.services.items() if name != suite.service}
        project = replace(project, services=others)
    else:
        project, tests, built = _test_service(suite, project, config, facts)
    tests = replace(
        tests,
        command=tests.command if suite.command is None else suite.command,
        environment={**tests.environment, **suite.environment},
        user=tests.user if suite.user is None else suite.user,
        restart=None,
        depends_on={
            name: wanted
            for name, wanted in tests.depends_on.items()
            if name in project.services or wanted.required
        },
    )
    missing = [name for name in tests.depends_on if name not in project.services]
    if missing:
        raise PlanError(
            f"the suite {suite.name} depends on {', '.join(missing)}, which no profile switches on",
            next_step="name the profile in integration.profiles",
        )
    spec = StackSpec(
        project=project,
        services=suite.services,
        tests=TestCommand(service=tests),
    )
    notices = check_project(project, [*spec.chosen().values(), tests])
    notes = shown_notices(notices, facts)
    return PlannedSuite(tests=tests, project=project, built=built, notes=notes)


def plan_beside(
    host: str, project: Project, config: Config, registries: Sequence[RegistrySpec]
) -> StackSpec:
    """Return one service and all that it depends on.

    Raises:
        ConfigError: A service that is started cannot be run as it is written.
        PlanError: The mapping of images names a service or an image that there is none of.
    """
    spec = StackSpec(
        project=project,
        services=(host,),
        built=_built(project.services, project, config, registries),
        start_limit_s=config.integration.start_timeout_s,
    )
    _ = check_project(project, list(spec.chosen().values()))
    return spec


def plan_development(
    project: Project, config: Config | None, registries: Sequence[RegistrySpec]
) -> StackSpec:
    """Return all services of a project, for whoever develops them: named volumes outlive the run.

    Raises:
        ConfigError: A service cannot be run as it is written.
        PlanError: The mapping of images names a service or an image that there is none of.
    """
    built = {} if config is None else _built(project.services, project, config, registries)
    return StackSpec(
        project=project,
        built=built,
        lasting={key: f"keelway/up/{volume.name}" for key, volume in project.volumes.items()},
        developed=True,
        start_limit_s=START_LIMIT_S if config is None else config.integration.start_timeout_s,
    )


def plan_built(
    planned: PlannedSuite, config: Config, registries: Sequence[RegistrySpec]
) -> dict[str, str]:
    """Return which service is which image of this build, for a suite.

    Raises:
        PlanError: The mapping names a service or an image that there is none of.
    """
    services = {**planned.project.services, planned.tests.name: planned.tests}
    return {**_built(services, planned.project, config, registries), **planned.built}


def _built(
    services: Mapping[str, Service],
    project: Project,
    config: Config,
    registries: Sequence[RegistrySpec],
) -> dict[str, str]:
    """Return which service is which image of this build.

    Raises:
        PlanError: The mapping names a service or an image that there is none of.
    """
    names = tuple(config.images)
    mapping = config.integration.images
    for service, image in mapping.items():
        if service not in {*services, *project.disabled}:
            raise PlanError(f"integration.images: there is no service {service!r}")
        if image not in config.images:
            raise PlanError(
                f"integration.images: there is no image {image!r}",
                next_step=f"known: {', '.join(names)}",
            )
    return {
        name: built
        for name, service in services.items()
        if (built := built_image(service, names, mapping, registries)) is not None
    }


def _check_service(suite: SuiteConfig, name: str, project: Project) -> None:
    every = {**project.services, **project.disabled}
    if name in every:
        return
    near = nearest(name, every)
    hint = "" if near is None else f"did you mean {near!r}? "
    raise PlanError(
        f"integration.suites: {suite.name}: the compose file has no service {name!r}",
        next_step=f"{hint}known: {', '.join(every)}",
    )


def _test_service(
    suite: SuiteConfig, project: Project, config: Config, facts: Facts
) -> tuple[Project, Service, dict[str, str]]:
    """Return a service made of an image, or of a stage of one that is built."""
    name = suite.name if suite.name not in project.services else f"{suite.name}-tests"
    place = Place(file=facts.root / "keelway.toml", line=1)
    keys = tuple(project.networks) or ("default",)
    networks = {key: Attachment(network=key) for key in keys}
    service = Service(name=name, place=place, image=suite.image, networks=networks)
    if suite.build is None:
        return project, service, {}
    image = config.images.get(suite.build)
    if image is None:
        raise PlanError(
            f"integration.suites: {suite.name}: there is no image {suite.build!r}",
            next_step=f"known: {', '.join(config.images)}",
        )
    if suite.target is None:
        return project, service, {name: suite.build}
    secrets = {f"{suite.build}:{one.id}": one for one in image.secrets}
    for key, secret in secrets.items():
        if not secret.source.startswith(("env://", "file://")):
            raise PlanError(
                f"integration.suites: {suite.name}: the build secret {key} comes from a command "
                "or a store",
                next_step="give it by env:// or file://: a stage with tests is built with those",
            )
    project = replace(
        project,
        secrets={
            **project.secrets,
            **{key: _source(key, one.source, facts) for key, one in secrets.items()},
        },
    )
    build = Build(
        context=str(facts.resolve(image.context)),
        dockerfile=image.dockerfile,
        target=suite.target,
        args={
            **image.build_args,
            **{argument: facts.pins[base].reference for argument, base in image.bases.items()},
        },
        secrets=tuple(FileGrant(source=key, target=one.id) for key, one in secrets.items()),
    )
    return project, replace(service, build=build), {}


def _source(name: str, address: str, facts: Facts) -> FileSource:
    scheme, _, rest = address.partition("://")
    if scheme == "env":
        return FileSource(name=name, environment=rest)
    return FileSource(name=name, file=facts.resolve(rest))


def shown_notices(notices: Iterable[Notice], facts: Facts) -> tuple[str, ...]:
    """Return what is not done of some services, each with its file and line."""
    return tuple(
        f"{'' if notice.place is None else f'{_shown(notice.place, facts)}: '}"
        f"{notice.key}: {notice.reason}"
        for notice in notices
    )


def _shown(place: Place, facts: Facts) -> str:
    file = Path(place.file)
    shown = file.relative_to(facts.root) if file.is_relative_to(facts.root) else file
    return f"{shown}:{place.line}"
