"""`keelway compose`: what compose files say."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from keelway._cli.completing import complete_profile, complete_running, complete_service


class ComposeFormat(StrEnum):
    """How a project is printed."""

    YAML = "yaml"
    JSON = "json"


ComposeFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="A compose file; several are merged in this order. Found as Compose does when absent.",
    ),
]
ComposeFolder = Annotated[
    Path | None,
    typer.Option(
        "--project-directory", metavar="DIR", help="The project's folder, if not the first file's."
    ),
]
ComposeName = Annotated[
    str | None,
    typer.Option(
        "--project-name",
        "-p",
        metavar="NAME",
        help="The project's name.",
        autocompletion=complete_running,
    ),
]
ComposeProfiles = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        metavar="PROFILE",
        help="A profile to switch on; '*' for all.",
        autocompletion=complete_profile,
    ),
]
ComposeEnvFiles = Annotated[
    list[Path] | None,
    typer.Option("--env-file", metavar="FILE", help="Variables, instead of those in .env."),
]
ComposeServices = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SERVICE",
        help="Only these services, and those that they depend on.",
        autocompletion=complete_service,
    ),
]
compose = typer.Typer(
    help="Show what compose files say.", no_args_is_help=True, rich_markup_mode=None
)


@compose.command("config")
def config(  # noqa: PLR0913 -- as many options as Compose's own command has
    targets: ComposeServices = None,
    *,
    files: ComposeFiles = None,
    folder: ComposeFolder = None,
    name: ComposeName = None,
    profiles: ComposeProfiles = None,
    env_files: ComposeEnvFiles = None,
    form: Annotated[ComposeFormat, typer.Option("--format", help="How it is printed.")] = (
        ComposeFormat.YAML
    ),
    services: Annotated[bool, typer.Option("--services", help="List the services.")] = False,
    volumes: Annotated[bool, typer.Option("--volumes", help="List the volumes.")] = False,
    images: Annotated[bool, typer.Option("--images", help="List the images.")] = False,
    profile_names: Annotated[bool, typer.Option("--profiles", help="List the profiles.")] = False,
) -> None:
    """Print the project with everything resolved: merged, interpolated, long forms, full paths.

    --services, --volumes, --images and --profiles list names instead. What keelway does not do is
    told on standard error. No engine is needed.
    """
    from keelway._cli.compose_view import (  # noqa: PLC0415 -- help starts at once
        compose_variables,
        show_project,
    )
    from keelway.compose.loader import load_project  # noqa: PLC0415 -- see above

    project = load_project(
        files or (),
        folder=folder,
        name=name,
        env_files=env_files or (),
        environment=compose_variables(Path.cwd()),
        profiles=profiles or (),
        targets=targets or (),
    )
    asked = {
        "services": services,
        "volumes": volumes,
        "images": images,
        "profiles": profile_names,
    }
    listed = [name for name, is_asked in asked.items() if is_asked]
    show_project(project, as_json=form is ComposeFormat.JSON, listed=listed)
