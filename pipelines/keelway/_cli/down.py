"""`keelway down`."""

from typing import Annotated

import typer

from keelway._cli.compose import ComposeName
from keelway._cli.logs import RunningFiles


def down(
    *,
    name: ComposeName = None,
    files: RunningFiles = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            "-t",
            min=0,
            metavar="SECONDS",
            help="How long each service has to end, instead of its own grace period.",
        ),
    ] = None,
    volumes: Annotated[
        bool, typer.Option("--volumes", "-v", help="Empty the project's named volumes too.")
    ] = False,
) -> None:
    """End what `keelway up` runs.

    Nothing of it is left but its named volumes.
    """
    from keelway._cli.running_view import end  # noqa: PLC0415 -- help starts at once

    end(name, files or (), timeout_s=timeout, volumes=volumes)
