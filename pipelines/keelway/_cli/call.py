"""`keelway call`."""

from typing import Annotated

import typer


def call(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FUNCTION [ARGUMENTS]]...",
            help="A function with its arguments, then a function of what it gives, and so on; "
            "`keelway call FUNCTION --help` tells of each.",
        ),
    ] = None,
) -> None:
    """Call a Dagger module's functions, as `dagger call` does.

    They run on any engine. The module is `-m FOLDER`, else the folder ci, else keelway's own.
    Further options: `-o PATH` saves what a function gives, `--json` prints it as data, `--engine`
    and `--progress` are those of the other commands, `--help` tells of functions and arguments.
    """
    from keelway._cli.calling import show_call  # noqa: PLC0415 -- help starts at once

    show_call(words or [])
