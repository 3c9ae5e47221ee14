"""A compose project, printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway.compose.document import project_document, project_yaml
from keelway.config.loader import find_config, load_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from keelway.compose.project import Project, Service


def compose_variables(start: Path) -> dict[str, str]:
    """Return the environment, and what `integration.bases` says beside it.

    Base images that are not pinned yet are left out: whether a file needs one it says itself.

    Args:
        start: Where the configuration is looked for, which need not be there.

    Raises:
        ConfigError: It is wrong.
    """
    found = find_config(start)
    if found is None:
        return {**environment()}
    loaded = load_config(start, found)
    bases = loaded.config.integration.bases.items()
    pinned = {name: loaded.pins[base].reference for name, base in bases if base in loaded.pins}
    return {**environment(), **pinned}


def show_project(project: Project, *, as_json: bool, listed: Sequence[str] = ()) -> None:
    """Print a project in the Compose format, or names of it; tell what is not done.

    Args:
        project: What was loaded.
        as_json: JSON instead of YAML.
        listed: Of `services`, `volumes`, `images` and `profiles`: their names only.
    """
    for notice in project.notices:
        place = "" if notice.place is None else f"{notice.place}: "
        output.notice(f"warning: {place}{notice.key}: {notice.reason}")
    if listed:
        for name in listed:
            for line in _names(project, name):
                output.result(line)
        return
    if as_json:
        output.result(json.dumps(project_document(project), indent=2, ensure_ascii=False))
    else:
        output.result(project_yaml(project).rstrip("\n"))


def _names(project: Project, listed: str) -> Iterable[str]:
    match listed:
        case "services":
            return list(project.services)
        case "volumes":
            return list(project.volumes)
        case "images":
            return sorted({_image(project, one) for one in project.services.values()})
        case _:
            every = [*project.services.values(), *project.disabled.values()]
            return sorted({profile for one in every for profile in one.profiles})


def _image(project: Project, service: Service) -> str:
    """Return the image's name: a build without one is called after project and service."""
    return service.image or f"{project.name}-{service.name}"
