"""`keelway monitoring` and `keelway init monitoring`."""

from pathlib import Path
from typing import Annotated

import typer

from keelway._cli import output
from keelway._cli.compose import ComposeEnvFiles, ComposeFiles, ComposeName, ComposeProfiles
from keelway._cli.options import ConfigFile, Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm


def monitoring(  # noqa: PLR0913 -- as many options as there are
    *,
    config: ConfigFile = None,
    files: ComposeFiles = None,
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
    """Run the services with Prometheus and Grafana.

    It is `up` with the profile `monitoring`. The files that `keelway init monitoring` writes are
    added to the project's own.
    """
    from keelway._cli.monitoring_view import run_monitoring  # noqa: PLC0415 -- help starts at once
    from keelway.develop.planned import Asked  # noqa: PLC0415 -- likewise
    from keelway.develop.up import Options  # noqa: PLC0415 -- likewise

    asked = Asked(files=files or (), name=name, profiles=profiles or (), env_files=env_files or ())
    run_monitoring(config, asked, Options(engine=engine, background=detach), progress)


def init_monitoring(
    *,
    config: ConfigFile = None,
    files: ComposeFiles = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that were changed by hand.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Pin the images anew, by what their tags name now.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; end with 1 when a file is out of date."),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="As --check, and show what would change.")
    ] = False,
) -> None:
    """Write Prometheus' and Grafana's files for the services, and a compose file for both.

    Services with metrics are those of [monitoring.services] and those with the label
    prometheus.io/port. Images are pinned by digest in keelway.lock. What was changed by hand is
    never written over.
    """
    from keelway._cli.init_ci_view import write_files  # noqa: PLC0415 -- help starts at once
    from keelway._cli.monitoring_view import plan_files  # noqa: PLC0415 -- likewise

    root, proposals = plan_files(Path.cwd(), config, files or (), refresh=refresh)
    if not (check or diff):
        write_files(root, proposals, force=force, command="keelway init monitoring")
        return
    stale = [one for one in proposals if one.difference()]
    for one in stale:
        output.result(f"{one.path}: {one.state.value}")
        if diff:
            output.result(one.difference().rstrip("\n"))
    if stale:
        raise typer.Exit(1)
