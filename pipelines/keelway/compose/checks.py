"""What can only be said once all of a project is known: names that nobody declared, cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.compose.project import MountKind
from keelway.config.explain import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.compose.project import FileGrant, Project, Service
    from keelway.compose.value import Value

_SERVICE = "service:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A service and where all of it stands."""

    service: Service
    value: Value


def check_project(project: Project, values: Mapping[str, Value]) -> None:
    """Keep every problem between the parts of the project.

    Args:
        project: All of it.
        values: What the files say, by service.
    """
    for name, service in project.services.items():
        one = Checked(service=service, value=values[name])
        _check_image(one)
        _check_dependencies(one, project)
        _check_contexts(one, project)
        _check_declared(one, "network", service.networks, ("networks",), project.networks)
        volumes = (m.source for m in service.mounts if m.kind is MountKind.VOLUME and m.source)
        _check_declared(one, "volume", volumes, ("volumes",), project.volumes)
        _check_declared(one, "secret", _sources(service.secrets), ("secrets",), project.secrets)
        _check_declared(one, "config", _sources(service.configs), ("configs",), project.configs)
        if service.build is not None:
            wanted = _sources(service.build.secrets)
            _check_declared(one, "secret", wanted, ("build", "secrets"), project.secrets)
    _check_cycles(project, values)


def _sources(grants: Iterable[FileGrant]) -> list[str]:
    return [grant.source for grant in grants]


def _check_declared(
    one: Checked,
    kind: str,
    wanted: Iterable[str],
    keys: tuple[str, ...],
    known: Mapping[str, object],
) -> None:
    """Tell of what is used and not declared, where it stands."""
    for name in dict.fromkeys(wanted):
        if name in known:
            continue
        near = nearest(name, known)
        hint = "" if near is None else f". Did you mean '{near}'?"
        where = one.value.get(*keys)
        _naming(where, name).error_if_enabled(f"there is no {kind} '{name}'{hint}")


def _naming(section: Value, name: str) -> Value:
    """Return the entry that names something, else the section that it is in."""
    for entry in section.items():
        said = (entry.text(), entry.get("source").text())
        if name in said or (said[0] or "").startswith(f"{name}:"):
            return entry
    return section.entries().get(name, section)


def _check_image(one: Checked) -> None:
    service = one.service
    if service.image is None and service.build is None and not one.value.get("provider").is_there:
        one.value.error_if_enabled("it has neither an image nor a build")
    if service.build is None or not service.build.platforms or service.platform is None:
        return
    if service.platform not in service.build.platforms:
        text = f"'{service.platform}' is not one of the platforms that it is built for"
        one.value.get("platform").error_if_enabled(text)


def _check_dependencies(one: Checked, project: Project) -> None:
    for name, dependency in one.service.depends_on.items():
        waiting = project.disabled.get(name)
        if name in project.services or (waiting is not None and not dependency.required):
            continue
        where = _naming(one.value.get("depends_on"), name)
        if waiting is not None:
            profiles = ", ".join(waiting.profiles)
            text = f"the service '{name}' waits for a profile that is not switched on: {profiles}"
        else:
            near = nearest(name, project.services)
            hint = "" if near is None else f". Did you mean '{near}'?"
            text = f"there is no service '{name}'{hint}"
        where.error_if_enabled(text)


def _check_contexts(one: Checked, project: Project) -> None:
    """A build may begin from what another service builds."""
    if one.service.build is None:
        return
    for key, source in one.service.build.additional_contexts.items():
        name = source.removeprefix(_SERVICE)
        if name == source:
            continue
        other = project.services.get(name) or project.disabled.get(name)
        where = one.value.get("build", "additional_contexts", key)
        if other is None:
            where.error_if_enabled(f"there is no service '{name}'")
        elif other.build is None:
            where.error_if_enabled(f"the service '{name}' is not built")


def _check_cycles(project: Project, values: Mapping[str, Value]) -> None:
    done: set[str] = set()
    for name in project.services:
        _walk(name, (), project, values, done)


def _walk(
    name: str,
    trail: tuple[str, ...],
    project: Project,
    values: Mapping[str, Value],
    done: set[str],
) -> None:
    """Follow the dependencies, and tell of each cycle once."""
    if name in trail:
        cycle = (*trail[trail.index(name) :], name)
        where = _naming(values[cycle[-2]].get("depends_on"), name)
        where.error_if_enabled(f"services wait for each other: {' -> '.join(cycle)}")
        return
    if name in done:
        return
    for dependency in project.services[name].depends_on:
        if dependency in project.services:
            _walk(dependency, (*trail, name), project, values, done)
    done.add(name)
