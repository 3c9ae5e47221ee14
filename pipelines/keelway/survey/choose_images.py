"""Which images there are: what compose files and CIs build, then the Dockerfiles that remain."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from keelway.dockerfile.instructions import Run
from keelway.errors import PlanError
from keelway.model.platform import parse_platform
from keelway.survey.draft import DraftImage
from keelway.survey.names import name_of_path, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keelway.survey.findings import Findings, FoundBuild, FoundDockerfile

_RELEASED = ("production", "prod", "release", "runtime", "final", "app", "main", "runner")
_NOT_RELEASED = frozenset(
    {"dev", "develop", "development", "debug", "test", "tests", "testing", "ci", "lint", "e2e",
     "integration", "local"}
)  # fmt: skip


def choose_images(findings: Findings, project: str, notes: list[str]) -> tuple[DraftImage, ...]:
    """Return the images, each Dockerfile's at least once.

    Args:
        findings: What was found.
        project: The project's name: that of an only image.
        notes: Receives what contradicts itself, and how it was decided.
    """
    images: list[DraftImage] = []
    taken: set[str] = set()
    for file in findings.dockerfiles:
        builds = [build for build in findings.builds if build.dockerfile == file.path]
        for target, chosen in _by_target(file, builds, notes).items():
            name = _free(_name(file, target, chosen, findings, project), taken)
            taken.add(name)
            images.append(_image(findings, file, name, target, chosen, notes))
    return tuple(images)


def _by_target(
    file: FoundDockerfile, builds: Sequence[FoundBuild], notes: list[str]
) -> dict[str, list[FoundBuild]]:
    """Return the builds of a Dockerfile by the stage that is released."""
    released = released_stage(file)
    found: dict[str, list[FoundBuild]] = {}
    names = {stage.base.name for stage in file.parsed.stages}
    for build in builds:
        asked = build.target.lower()
        if asked and asked not in names:
            notes.append(f"{build.where} builds the stage {asked!r}, which {file.path} has not")
            asked = ""
        if asked in _NOT_RELEASED and asked != released:
            notes.append(
                f"{build.where} builds the stage {asked!r} of {file.path}, which by its name is "
                f"not what is released: {released!r} is taken"
            )
            asked = ""
        found.setdefault(asked or released, []).append(build)
    return found or {released: []}


def released_stage(file: FoundDockerfile) -> str:
    """Return the stage that is released: the last, unless it is for tests or for developing."""
    stages = [stage.name for stage in file.parsed.stages]
    if stages[-1] not in _NOT_RELEASED:
        return stages[-1]
    named = [name for name in _RELEASED if name in stages]
    others = [name for name in stages if name not in _NOT_RELEASED]
    return (named or others[-1:] or stages[-1:])[0]


def _name(
    file: FoundDockerfile,
    target: str,
    builds: Sequence[FoundBuild],
    findings: Findings,
    project: str,
) -> str:
    said = next((plain_name(build.name) for build in builds if plain_name(build.name)), "")
    repositories = {one.repository.rpartition("/")[2] for one in findings.repositories}
    if len(findings.dockerfiles) == 1 and len(repositories) == 1 and not said:
        return plain_name(next(iter(repositories))) or project
    own = name_of_path(file.path, project)
    same = [build for build in findings.builds if build.dockerfile == file.path and build.name]
    is_one_of_several = len({build.target for build in same}) > 1
    return said or (plain_name(f"{own}-{target}") if is_one_of_several else own)


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no image has yet."""
    number = 2
    free = name
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free


def _image(
    findings: Findings,
    file: FoundDockerfile,
    name: str,
    target: str,
    builds: Sequence[FoundBuild],
    notes: list[str],
) -> DraftImage:
    context = _context(file, builds, notes)
    platforms, why = _platforms(findings, builds, name, notes)
    arguments = _arguments(file, builds, notes)
    origin = " and ".join(dict.fromkeys(build.where for build in builds)) or "found by its name"
    notes.extend(_lacking(file, arguments))
    return DraftImage(
        name=name,
        context=context,
        dockerfile=PurePosixPath(file.path).relative_to(context).as_posix(),
        target=_named(file, target),
        platforms=platforms,
        build_args=arguments,
        comments=(f"{file.path}: {origin}.", why),
        hints=tuple(_secrets(file)),
    )


def _arguments(
    file: FoundDockerfile, builds: Sequence[FoundBuild], notes: list[str]
) -> dict[str, str]:
    given = [build for build in builds if build.args]
    if any(build.args != given[0].args for build in given):
        places = ", ".join(build.where for build in given)
        notes.append(f"{file.path} gets different build arguments: {places}; the first are taken")
    return dict(given[0].args) if given else {}


def _named(file: FoundDockerfile, target: str) -> str:
    """Return the stage as `target` names it; nothing for a last one without a name."""
    stage = file.parsed.target(target)
    return stage.base.name or ("" if stage is file.parsed.stages[-1] else stage.name)


def _context(file: FoundDockerfile, builds: Sequence[FoundBuild], notes: list[str]) -> str:
    asked = list(dict.fromkeys(build.context for build in builds))
    inside = [one for one in asked if PurePosixPath(file.path).is_relative_to(one)]
    if len(asked) > 1:
        places = ", ".join(f"{build.context} ({build.where})" for build in builds)
        notes.append(f"{file.path} is built in several contexts: {places}; the first is taken")
    notes.extend(
        f"{file.path} lies outside of its context {one}: {file.context} is taken"
        for one in asked
        if one not in inside
    )
    return (inside or [file.context])[0]


def _platforms(
    findings: Findings, builds: Sequence[FoundBuild], name: str, notes: list[str]
) -> tuple[tuple[str, ...], str]:
    """Return the platforms, and why these."""
    said = [(build.platforms, build.where) for build in builds if build.platforms]
    said += [(one.platforms, one.where) for one in findings.platforms]
    found: dict[tuple[str, ...], str] = {}
    for platforms, where in said:
        normal = tuple(dict.fromkeys(_known(platforms, where, notes)))
        if normal:
            found.setdefault(normal, where)
    if not found:
        native = findings.machine.platform
        return (native,), f"This machine's platform: nothing here names others than {native}."
    chosen = max(found, key=len)
    if len(found) > 1:
        told = "; ".join(f"{', '.join(one)} ({where})" for one, where in found.items())
        notes.append(f"{name} is built for different platforms: {told}; the most are taken")
    machine = findings.machine
    foreign = [one for one in chosen if one not in {*machine.runs, machine.platform}]
    if foreign:
        notes.append(
            f"{name} is built for {', '.join(foreign)}, whose programs do not run here: "
            "`keelway doctor` says what brings them"
        )
    return chosen, f"Platforms as in {found[chosen]}."


def _known(platforms: tuple[str, ...], where: str, notes: list[str]) -> Iterator[str]:
    for one in platforms:
        try:
            yield parse_platform(one)
        except PlanError as error:
            notes.append(f"{where}: {error.message}; it is left out")


def _lacking(file: FoundDockerfile, arguments: dict[str, str]) -> Iterator[str]:
    """Yield what a FROM needs and nothing here gives."""
    empty = {
        one.name
        for argument in file.parsed.arguments
        for one in argument.arguments
        if one.default is None and one.name not in arguments
    }
    for stage in file.parsed.stages:
        for name in sorted(empty):
            if re.search(rf"\$(\{{{name}\}}|{name}\b)", stage.base.image):
                yield (
                    f"{file.path}:{stage.base.location.line}: FROM {stage.base.image} is empty "
                    f"until {name} is given under build_args"
                )


def _secrets(file: FoundDockerfile) -> Iterator[str]:
    """Yield how the secrets that the Dockerfile mounts can be given."""
    options = [
        dict(mount.options)
        for stage in file.parsed.stages
        for one in stage.instructions
        if isinstance(one, Run)
        for mount in one.mounts
        if mount.kind == "secret"
    ]
    names = dict.fromkeys(one["id"] for one in options if one.get("id"))
    given = ", ".join(
        f'{{ id = "{name}", source = "env://{plain_name(name).replace("-", "_").upper()}" }}'
        for name in names
        if name
    )
    if given:
        yield f"secrets = [{given}]"
