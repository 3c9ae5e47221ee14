"""`keelway rebuild`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_published
from keelway._cli.options import ConfigFile, Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm


def rebuild(
    image: Annotated[
        str,
        typer.Argument(
            help="The image as it was called, by tag or digest.",
            autocompletion=complete_published,
        ),
    ],
    *,
    commit: Annotated[
        str | None,
        typer.Option("--commit", help="What it was made of; its provenance tells when absent."),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option("--branch", help="What it was released as, if not as the commit's branch."),
    ] = None,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
) -> None:
    """Build a lost image again from its commit, to the same digest.

    It is published under a tag of its own, `rebuilt-...`, and under the tag that names it here.
    Where it comes out as another image, nothing is named, and what differs is told.
    """
    from keelway._cli.rebuilding import RebuildWords, show_rebuild  # noqa: PLC0415 -- help starts at once

    words = RebuildWords(image=image, commit=commit, branch=branch)
    show_rebuild(words, config, engine, progress)
