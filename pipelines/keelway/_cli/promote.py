"""`keelway promote`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_environment, complete_published
from keelway._cli.options import AsJson, ConfigFile, Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm


def promote(  # noqa: PLR0913 - a command has the options that it has
    release: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE|VERSION...",
            help="A version of all images; or images by tag or digest, or by their names here.",
            autocompletion=complete_published,
        ),
    ],
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME",
            help="The environment, a name under [environments].",
            autocompletion=complete_environment,
        ),
    ],
    allow_older: Annotated[
        str | None,
        typer.Option(
            "--allow-older",
            metavar="REASON",
            help="Why an older version may take a newer one's place.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look, and tell what would be done.")
    ] = False,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Give published images the next environment's tags.

    The same digest gets them, nothing is built again. Its evidence is verified first, as [verify]
    and the environment ask, and it must have been in the environment that comes before; else
    nothing is changed, and the exit code is 6. A record of who did it, when and from where is kept
    beside the image: `keelway promotions` shows it. Of several images none is promoted unless all
    may be.
    """
    from keelway._cli.promoting import Asked, show_promotion  # noqa: PLC0415 -- help starts at once

    asked = Asked(release=tuple(release), environment=to, allow_older=allow_older, dry_run=dry_run)
    show_promotion(asked, config, engine, progress, as_json=as_json)
