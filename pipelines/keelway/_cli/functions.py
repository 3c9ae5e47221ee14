"""`keelway functions`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_function


def functions(
    path: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FUNCTION]...",
            help="List the functions of what these functions give.",
            autocompletion=complete_function,
        ),
    ] = None,
    *,
    module: Annotated[
        str | None,
        typer.Option(
            "--mod",
            "-m",
            metavar="FOLDER",
            help="The module; the folder ci when absent, else keelway's own.",
        ),
    ] = None,
) -> None:
    """List the functions that `keelway call` can call."""
    from keelway._cli.calling import show_functions  # noqa: PLC0415 -- help starts at once

    show_functions(path or [], module)
