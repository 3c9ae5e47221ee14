"""`keelway logs`."""

from pathlib import Path
from typing import Annotated

import typer

from keelway._cli.completing import complete_service
from keelway._cli.compose import ComposeName

RunningFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--file", metavar="FILE", help="A compose file of the project; else the current folder's."
    ),
]


def logs(
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SERVICE", help="Only these services.", autocompletion=complete_service
        ),
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the project ends.")
    ] = False,
    tail: Annotated[
        int | None,
        typer.Option("--tail", "-n", min=0, metavar="N", help="Only the last lines of each."),
    ] = None,
    times: Annotated[bool, typer.Option("--timestamps", "-t", help="Show when.")] = False,
    name: ComposeName = None,
    files: RunningFiles = None,
) -> None:
    """Show what services of `keelway up` have written."""
    from keelway._cli.running_view import show_logs  # noqa: PLC0415 -- help starts at once

    show_logs(name, files or (), services or (), tail=tail, follow=follow, times=times)
