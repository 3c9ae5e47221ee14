"""What `keelway up` will do: which files, which services, which images, which ports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cage import plan_tool
from keelway._registries import plan_registries
from keelway._tools.busybox import BUSYBOX
from keelway.compose.loader import load_project
from keelway.compose.locate import locate
from keelway.compose.project import Notice
from keelway.config.loader import find_config, load_config
from keelway.develop.forwards import plan_forwards
from keelway.develop.rules import plan_rules, rule_notices
from keelway.errors import PlanError
from keelway.facts import gather_facts
from keelway.facts.compose import pinned_bases
from keelway.stack.objections import check_project
from keelway.stack.planned import plan_development
from keelway.stages.build import BuildSpec, plan_build

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keelway.compose.project import Project, Service
    from keelway.config.loader import Loaded
    from keelway.develop.forwards import Forward
    from keelway.develop.rules import Rule
    from keelway.facts import Facts
    from keelway.stack.spec import StackSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which project, as the command line says."""

    files: Sequence[Path] = ()
    folder: Path | None = None
    name: str | None = None
    profiles: Sequence[str] = ()
    env_files: Sequence[Path] = ()
    services: Sequence[str] = ()
    """Only these and what they depend on; all when empty."""
    watch: bool = False
    """Whether files are watched, for services that say so."""
    kind: Kind | None = None
    """What it is run for: the profile that is made for that is switched on."""
    more_files: Sequence[Path] = ()
    """Compose files beside those that are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a project is run for."""

    profiles: tuple[str, ...]
    """What profiles for it are called: the first that the project has is switched on."""
    remedy: str | None = None
    """What to do where it has none; without it, services without a profile run, and it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Development:
    """A project, everything of it decided."""

    project: Project
    stack: StackSpec
    build: BuildSpec
    """The images of this build that services are; their platform is the engine's own."""
    forwards: tuple[Forward, ...]
    rules: tuple[Rule, ...] = ()
    """What is done when files change; none where they are not watched."""
    notes: tuple[str, ...] = ()
    """What of the services is not done here."""

    @property
    def grace_s(self) -> float:
        """How long all services may take to end, one after the other."""
        return sum(service.stop_grace_period_s for service in self.project.services.values())


def plan_up(asked: Asked, start: Path, environ: Mapping[str, str]) -> Development:
    """Return what is started.

    The compose files are those that were asked for; else those of `[integration]` in
    `keelway.toml`, where there is one; else those that Compose would find.

    Raises:
        ConfigError: A file is wrong, or asks for what cannot be done; names file, line and service.
        PlanError: An image of the build is not pinned, or BusyBox is missing.
    """
    found = find_config(start)
    loaded = None if found is None else load_config(start, found)
    asked, chosen = _with_profile(asked, loaded, environ)
    project = _load(asked, loaded, environ)
    services = list(project.services.values())
    remedy = "change it, or name the services that you want: `keelway up SERVICE`"
    notices = list(check_project(project, services, next_step=remedy))
    if loaded is None:
        stack = plan_development(project, None, ())
        build = BuildSpec(images=())
    else:
        facts = gather_facts(loaded, environ, {BUSYBOX.name}, compose=False)
        stack, build = _plan_with(loaded, facts, project)
    rules = plan_rules(project, stack.built) if asked.watch else ()
    notices += rule_notices(rules) if asked.watch else _unwatched(services)
    return Development(
        project=project,
        stack=stack,
        build=build,
        forwards=plan_forwards(services),
        rules=rules,
        notes=(*chosen, *(_told(notice) for notice in notices)),
    )


def _with_profile(
    asked: Asked, loaded: Loaded | None, environ: Mapping[str, str]
) -> tuple[Asked, tuple[str, ...]]:
    """Return what is asked with the profile of its kind, and what is to be said of that."""
    if asked.kind is None:
        return asked, ()
    whole = _load(replace(asked, profiles=("*",), services=()), loaded, environ)
    known = {profile for one in whole.services.values() for profile in one.profiles}
    wanted = next((one for one in asked.kind.profiles if one in known), None)
    if wanted is not None:
        return replace(asked, profiles=(*asked.profiles, wanted)), ()
    text = f"no service has the profile '{asked.kind.profiles[0]}'"
    if asked.kind.remedy is not None:
        raise PlanError(text, next_step=asked.kind.remedy)
    return asked, (f"{text}: those without a profile run",)


def _load(asked: Asked, loaded: Loaded | None, environ: Mapping[str, str]) -> Project:
    files, env_files = list(asked.files), list(asked.env_files)
    if loaded is not None and not files and asked.folder is None:
        written = loaded.config.integration
        own = [loaded.root / file for file in written.files]
        if all(file.is_file() for file in own):
            files = own
            env_files = env_files or [loaded.root / file for file in written.env_files]
    if asked.more_files:
        found = files or locate(Path.cwd(), environ, folder=asked.folder, env_files=env_files).files
        files = [*found, *asked.more_files]
    return load_project(
        files,
        folder=asked.folder,
        name=asked.name,
        env_files=env_files,
        environment=environ if loaded is None else {**environ, **pinned_bases(loaded)},
        profiles=asked.profiles,
        targets=asked.services,
    )


def _plan_with(loaded: Loaded, facts: Facts, project: Project) -> tuple[StackSpec, BuildSpec]:
    config = loaded.config
    stack = plan_development(project, config, plan_registries(config, facts))
    busybox = plan_tool(BUSYBOX, config.tools.busybox, facts)
    used = set(stack.built.values())
    images = plan_build(config, facts).images if used else ()
    return (
        replace(stack, busybox=busybox),
        BuildSpec(images=tuple(image for image in images if image.name in used)),
    )


def _unwatched(services: Iterable[Service]) -> Iterator[Notice]:
    for service in services:
        if service.watch:
            yield Notice(
                key=f"services.{service.name}.develop.watch",
                reason="files are watched with --watch",
                place=service.watch[0].place,
            )


def _told(notice: Notice) -> str:
    place = "" if notice.place is None else f"{notice.place}: "
    return f"{place}{notice.key}: {notice.reason}"
