"""`keelway mirror`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_published
from keelway._cli.options import AsJson, ConfigFile


def mirror(
    image: Annotated[
        str | None,
        typer.Argument(help="The image, by tag or digest.", autocompletion=complete_published),
    ] = None,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="REGISTRY", help="Where to: a prefix, below which it has its name."
        ),
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="All tags of all images of the first registry.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="One more tag for it there; may be given several times."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy a published image elsewhere, with all its evidence.

    Only what is not there is sent. The copy is looked at as `keelway verify` does it, where it is
    known whose signature counts, and must stand there as it did before. No engine is needed.
    """
    from keelway._cli.copying import Copying, show_copies  # noqa: PLC0415 -- help starts at once

    order = Copying(
        image=image, place=to, everything=everything, tags=tuple(tag or ()), restoring=False
    )
    show_copies(order, config, as_json=as_json)
