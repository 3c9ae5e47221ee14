"""Compose files, loaded into a `Project`.

Example:
    project = load_project([Path("compose.yaml")], environment={"TAG": "1.4"}, profiles=["test"])
    for service in project.services.values():
        print(service.name, service.image)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.compose.checks import check_project
from keelway.compose.files import Files
from keelway.compose.keys import PROJECT
from keelway.compose.locate import Located, locate, project_name
from keelway.compose.parse import parse_yaml
from keelway.compose.problems import Problems, file_error
from keelway.compose.project import Network, Project
from keelway.compose.service_section import extensions_of, read_service
from keelway.compose.shapes import check_shape
from keelway.compose.top_sections import read_networks, read_sources, read_volumes
from keelway.compose.tree import Map, Node
from keelway.compose.value import Value
from keelway.config.explain import nearest
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from keelway.compose.project import Service

_DEFAULT = "default"
_EVERY = "*"


def load_project(  # noqa: PLR0913 -- as many things decide what a project is
    files: Sequence[Path] = (),
    *,
    folder: Path | None = None,
    name: str | None = None,
    env_files: Sequence[Path] = (),
    environment: Mapping[str, str],
    profiles: Sequence[str] = (),
    targets: Sequence[str] = (),
    used: Collection[str] = (),
    root: Path | None = None,
) -> Project:
    """Return the project that compose files describe, with everything resolved.

    Args:
        files: In the order in which they are merged; none: looked for as Compose does.
        folder: The project's folder; nothing: that of the first file.
        name: The project's; nothing: `COMPOSE_PROJECT_NAME`, `name`, the folder's.
        env_files: With variables for interpolation; none: `.env` of the project's folder.
        environment: Stronger than these files.
        profiles: Those to switch on, `*` for all; none: those of `COMPOSE_PROFILES`.
        targets: The services that are wanted: their profiles are switched on, and of the others
            only those that they depend on are. None: all services.
        used: Services that are read in full although no profile switches them on, as test suites
            are that run beside the others.
        root: The folder that bind mounts must lie in; nothing: that of all of the project.

    Raises:
        ConfigError: With every problem: file, line, service and what was meant.
    """
    start = Path.cwd() if folder is None else folder
    found = locate(
        start.absolute() if not files else Path.cwd(),
        environment,
        files=files,
        folder=folder,
        env_files=env_files,
    )
    reader = Files(found.folder)
    values = dict(found.environment)
    named = project_name(name, _raw_documents(found, reader), found.folder, values)
    values["COMPOSE_PROJECT_NAME"] = named
    origins = [reader.origin(file, found.folder, values) for file in found.files]
    tree = reader.assembled(origins)
    reader.problems.check()
    if not isinstance(tree, Map) or not tree.entries:
        raise file_error(origins[0].shown, "is empty")
    check_shape(tree, PROJECT, (), reader.problems)
    reader.problems.check()
    active = list(profiles) or _listed(values.get("COMPOSE_PROFILES", ""))
    resolving = _Resolving(tree, named, found, reader, root or project_root(found.folder))
    return resolving.project(active, targets, values, used)


def _raw_documents(found: Located, reader: Files) -> list[Node]:
    """Return the files as they are written, without telling what is wrong: that comes later."""
    documents: list[Node] = []
    for file in found.files:
        origin = reader.origin(file, found.folder, {})
        documents.extend(parse_yaml(reader.text(file), origin, Problems()))
    return documents


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def project_root(folder: Path) -> Path:
    """Return the folder that holds all of a project: its git working tree's, else its own."""
    for one in (folder, *folder.parents):
        if (one / ".git").exists():
            return one.resolve()
    return folder.resolve()


class _Resolving:
    """From the merged files to the project."""

    def __init__(self, tree: Map, name: str, found: Located, files: Files, root: Path) -> None:
        self.value = Value.at(tree, (), files.problems)
        self.name = name
        self.found = found
        self.files = files
        self.root = root
        self.values = self.value.get("services").entries()

    def project(
        self,
        profiles: Sequence[str],
        targets: Sequence[str],
        environment: Mapping[str, str],
        used: Collection[str],
    ) -> Project:
        """Return all of it.

        Raises:
            ConfigError: With every problem of what is switched on.
        """
        active = {*profiles, *self.implied(targets)}
        services = {
            name: read_service(
                name,
                value,
                self.root,
                self.files,
                is_enabled=name in used or self.is_enabled(value, active),
            )
            for name, value in self.values.items()
        }
        enabled = {name for name in services if self.is_enabled(self.values[name], active)}
        chosen = _with_dependencies(targets, services, enabled) if targets else enabled
        project = Project(
            name=self.name,
            folder=self.found.folder,
            files=self.found.files,
            services={name: one for name, one in services.items() if name in chosen},
            disabled={name: one for name, one in services.items() if name not in chosen},
            networks=self.networks([services[name] for name in services if name in chosen]),
            volumes=read_volumes(self.value.get("volumes"), self.name),
            secrets=read_sources(self.value.get("secrets"), self.name),
            configs=read_sources(self.value.get("configs"), self.name),
            extensions=extensions_of(self.value),
            environment=environment,
        )
        check_project(project, self.values)
        self.files.problems.check(lambda name: name in project.services or name in used)
        notices = self.files.problems.notices(project.services.__contains__)
        return replace(project, notices=notices)

    def implied(self, targets: Sequence[str]) -> list[str]:
        """Return the profiles of the services that are wanted.

        Raises:
            ConfigError: When there is no such service.
        """
        for name in targets:
            if name not in self.values:
                raise ConfigError(
                    [
                        ConfigProblem(
                            file=str(self.value.place.file),
                            line=None,
                            key="services",
                            text=f"there is no service '{name}'",
                            suggestion=nearest(name, self.values),
                        )
                    ]
                )
        return [one for name in targets for one in self.values[name].get("profiles").texts()]

    def is_enabled(self, value: Value, active: set[str]) -> bool:
        """Return whether a service is switched on: it has no profile, or one that is active."""
        own = value.get("profiles").texts()
        return not own or _EVERY in active or not active.isdisjoint(own)

    def networks(self, services: Sequence[Service]) -> dict[str, Network]:
        """Return the networks, with the default one when a service is in it."""
        found = read_networks(self.value.get("networks"), self.name)
        if any(_DEFAULT in service.networks for service in services):
            found.setdefault(_DEFAULT, Network(name=f"{self.name}_{_DEFAULT}"))
        return found


def _with_dependencies(
    targets: Sequence[str], services: Mapping[str, Service], enabled: set[str]
) -> set[str]:
    """Return the services that are wanted, and those that they depend on."""
    found: set[str] = set()
    waiting = list(targets)
    while waiting:
        name = waiting.pop()
        if name not in found and name in enabled:
            found.add(name)
            waiting.extend(services[name].depends_on)
    return found
