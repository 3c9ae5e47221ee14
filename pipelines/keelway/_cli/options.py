"""The options that several commands share: written once, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration: a file, or a directory that holds one. "
        "Searched for from the current directory upwards when absent.",
    ),
]

Engine = Annotated[
    EngineChoice,
    typer.Option(
        "--engine",
        help="What does the work: the local engine, Dagger's own, or the first that is there.",
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the same as data.")]

Progress = Annotated[
    ProgressForm,
    typer.Option(
        "--progress",
        help="How the work is told of on standard error: a live view (tty), lines for people "
        "(plain), objects for programs (json), or not at all. auto takes what the terminal can.",
    ),
]
