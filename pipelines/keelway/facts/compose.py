"""The compose projects of the tests and of deploy targets, read once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway.compose.loader import load_project
from keelway.errors import PlanError
from keelway.model.host_address import parse_host, project_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from keelway.compose.project import Project
    from keelway.config.loader import Loaded


def read_compose(loaded: Loaded, environ: Mapping[str, str]) -> Project | None:
    """Return the project that the configuration names; nothing where no test needs it.

    A load test can do without: then the image is started alone.

    Variables of `integration.bases` stand beside those of the environment.

    Raises:
        ConfigError: A compose file is wrong, or a variable that it needs is missing.
        PlanError: A base image is not pinned.
    """
    written = loaded.config.integration
    files = [loaded.root / file for file in written.files]
    tested = written.enabled and (written.suites or written.faults)
    if not tested and not (_is_loaded(loaded) and all(file.is_file() for file in files)):
        return None
    return load_project(
        files,
        env_files=[loaded.root / file for file in written.env_files],
        environment={**environ, **pinned_bases(loaded)},
        profiles=written.profiles,
        used=[suite.service for suite in written.suites if suite.service is not None],
    )


def read_deployed(
    loaded: Loaded, environ: Mapping[str, str], targets: Collection[str] | None = None
) -> dict[str, dict[str, Project]]:
    """Return the projects of deploy targets: by target, and by the project's name on its hosts.

    Args:
        loaded: The configuration.
        environ: The environment, for variables of the files.
        targets: Those that are deployed to; by default those that every release goes to.

    Raises:
        ConfigError: A compose file is wrong, or a variable that it needs is missing.
    """
    found: dict[str, dict[str, Project]] = {}
    for name, target in loaded.config.deploy.items():
        is_meant = target.on_release if targets is None else name in targets
        if target.kind != "compose" or not is_meant:
            continue
        folders = {parse_host(text).folder or target.folder for text in target.hosts}
        found[name] = {
            project: load_project(
                [loaded.root / file for file in target.files],
                name=project,
                env_files=[loaded.root / file for file in target.env_files],
                environment=environ,
                profiles=target.profiles,
                root=Path("/"),
            )
            for project in sorted({project_of(folder) for folder in folders})
        }
    return found


def _is_loaded(loaded: Loaded) -> bool:
    load = loaded.config.load
    return load.enabled and load.target is not None and not load.alone


def pinned_bases(loaded: Loaded) -> dict[str, str]:
    """Return the variables of `integration.bases`, each with its base image's pinned reference.

    Raises:
        PlanError: A base image is not pinned.
    """
    pinned: dict[str, str] = {}
    for variable, base in loaded.config.integration.bases.items():
        if base not in loaded.pins:
            raise PlanError(
                f"integration.bases: {variable} needs the base image '{base}', which is not "
                "pinned in keelway.lock",
                next_step=f"run `keelway base {base}` once, and commit keelway.lock",
            )
        pinned[variable] = loaded.pins[base].reference
    return pinned
