"""`keelway restore`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_published
from keelway._cli.options import AsJson, ConfigFile


def restore(
    image: Annotated[
        str | None,
        typer.Argument(
            help="The image as it was called where it is lost, by tag or digest.",
            autocompletion=complete_published,
        ),
    ] = None,
    *,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REGISTRY",
            help="Who has it still: a prefix. The registry's own `fallback` when absent.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All tags of all images of the first registry.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="One more tag for it; may be given several times."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a lost image back, with all its evidence.

    It has the same digest as before, and verifies as before. No engine is needed.
    """
    from keelway._cli.copying import Copying, show_copies  # noqa: PLC0415 -- help starts at once

    order = Copying(
        image=image, place=source, everything=everything, tags=tuple(tag or ()), restoring=True
    )
    show_copies(order, config, as_json=as_json)
