"""`keelway clean`."""

from typing import Annotated

import typer

from keelway._cli.options import ConfigFile


def clean(
    *,
    config: ConfigFile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
    days: Annotated[
        int,
        typer.Option(
            "--older-than", min=0, metavar="DAYS", help="Keep reports that are not older."
        ),
    ] = 14,
) -> None:
    """Remove what keelway left here and nobody needs.

    It is listed first: what is kept of projects that do not run, old reports of this project, and
    what the local engine's store holds beyond its limits. No file that keelway did not write is
    touched, nor is anything that is in use.
    """
    from keelway._cli.cleaning import clean_up  # noqa: PLC0415 -- help starts at once

    clean_up(config, days=days, dry_run=dry_run)
