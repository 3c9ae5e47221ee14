"""`keelway up`."""

from typing import Annotated

import typer

from keelway._cli.compose import (
    ComposeEnvFiles,
    ComposeFiles,
    ComposeFolder,
    ComposeName,
    ComposeProfiles,
    ComposeServices,
)
from keelway._cli.options import Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm


def up(  # noqa: PLR0913 -- as many options as Compose's own command has
    services: ComposeServices = None,
    *,
    files: ComposeFiles = None,
    folder: ComposeFolder = None,
    name: ComposeName = None,
    profiles: ComposeProfiles = None,
    env_files: ComposeEnvFiles = None,
    detach: Annotated[
        bool,
        typer.Option("--detach", "-d", help="Return when all are healthy; they run on."),
    ] = False,
    build: Annotated[
        bool,
        typer.Option(
            "--build", help="Build images first: always done, and free for what did not change."
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Act on changed files, as `develop.watch` says."),
    ] = False,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
) -> None:
    """Run the compose file's services for development.

    Their ports are forwarded to this machine. The compose files are those of `[integration]`, else
    those that Compose would find. Services that are images of `[images]` are built. Ctrl-C stops
    them, whoever needs others first.
    """
    from keelway._cli.up_view import bring_up  # noqa: PLC0415 -- help starts at once
    from keelway.develop.planned import Asked  # noqa: PLC0415 -- likewise
    from keelway.develop.up import Options  # noqa: PLC0415 -- likewise

    _ = build
    bring_up(
        Asked(
            files=files or (),
            folder=folder,
            name=name,
            profiles=profiles or (),
            env_files=env_files or (),
            services=services or (),
            watch=watch,
        ),
        Options(engine=engine, background=detach),
        progress,
    )
