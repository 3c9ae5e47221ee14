"""`keelway run`."""

from typing import Annotated

import typer

from keelway._cli.options import Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm


def run(
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND [ARGS]...",
            help="A program with its arguments; `--` may stand before it.",
        ),
    ],
    *,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
) -> None:
    """Run a program with an engine's session in its environment.

    Every SDK of Dagger looks there first. The exit code is the program's. Inside a session that one
    is shared. A live view (tty) and a
    program that writes to the same terminal would disturb each other: auto takes lines there.
    """
    from keelway._cli.env import environment, sole_form  # noqa: PLC0415 -- help starts at once
    from keelway.attached import run_attached  # noqa: PLC0415 -- help starts at once

    code = run_attached(command, engine, environment(), progress=sole_form(progress))
    raise typer.Exit(code)
