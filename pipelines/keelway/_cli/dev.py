"""`keelway dev` and `keelway prod`."""

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


def dev(  # noqa: PLR0913 -- as many options as `up` has
    services: ComposeServices = None,
    *,
    files: ComposeFiles = None,
    folder: ComposeFolder = None,
    name: ComposeName = None,
    profiles: ComposeProfiles = None,
    env_files: ComposeEnvFiles = None,
    watch: Annotated[
        bool,
        typer.Option("--watch/--no-watch", help="Act on changed files, as `develop.watch` says."),
    ] = True,
    detach: Annotated[
        bool,
        typer.Option("--detach", "-d", help="Return when all are healthy; they run on."),
    ] = False,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
) -> None:
    """Run the services for development, with files watched.

    It is `up` with the profile `dev`, which may be called `development` too; where there is none,
    services without a profile run. Ctrl-C stops them.
    """
    from keelway._cli.up_view import bring_up  # noqa: PLC0415 -- help starts at once
    from keelway.develop.planned import Asked, Kind  # noqa: PLC0415 -- likewise
    from keelway.develop.up import Options  # noqa: PLC0415 -- likewise

    bring_up(
        Asked(
            files=files or (),
            folder=folder,
            name=name,
            profiles=profiles or (),
            env_files=env_files or (),
            services=services or (),
            watch=watch,
            kind=Kind(profiles=("dev", "development")),
        ),
        Options(engine=engine, background=detach),
        progress,
    )


def prod(  # noqa: PLR0913 -- as many options as `up` has
    services: ComposeServices = None,
    *,
    files: ComposeFiles = None,
    folder: ComposeFolder = None,
    name: ComposeName = None,
    profiles: ComposeProfiles = None,
    env_files: ComposeEnvFiles = None,
    detach: Annotated[
        bool,
        typer.Option("--detach/--attach", "-d", help="Return when all are healthy; they run on."),
    ] = True,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
) -> None:
    """Run the services on this machine as in production.

    It is `up` with the profile `prod`, which may be called `production` too; where there is none,
    services without a profile run. They run on in the background: `keelway down` ends them.
    """
    from keelway._cli.up_view import bring_up  # noqa: PLC0415 -- help starts at once
    from keelway.develop.planned import Asked, Kind  # noqa: PLC0415 -- likewise
    from keelway.develop.up import Options  # noqa: PLC0415 -- likewise

    bring_up(
        Asked(
            files=files or (),
            folder=folder,
            name=name,
            profiles=profiles or (),
            env_files=env_files or (),
            services=services or (),
            kind=Kind(profiles=("prod", "production")),
        ),
        Options(engine=engine, background=detach),
        progress,
    )
