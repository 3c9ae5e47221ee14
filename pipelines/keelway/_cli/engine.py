"""`keelway engine`."""

from __future__ import annotations

import os
from typing import Annotated

import typer


def engine(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARGUMENTS]...", help="What keelway-engine is asked to do."),
    ] = None,
) -> None:
    """Run the local engine's own program: `doctor`, `du`, `prune`."""
    from keelway._engines import Program, choose_engine  # noqa: PLC0415 -- help starts at once
    from keelway.model.engine_choice import EngineChoice  # noqa: PLC0415 -- help starts at once

    chosen = choose_engine(EngineChoice.LOCAL, {})
    if isinstance(chosen, Program):
        command = [*chosen.command, *(arguments or ["--help"])]
        # In this process' place: its exit code and its signals are the user's.
        os.execv(command[0], command)  # noqa: S606 -- no shell is what is wanted
