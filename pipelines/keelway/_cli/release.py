"""`keelway release`."""

from typing import TYPE_CHECKING, Annotated

import typer

from keelway._cli.options import AsJson, ChangedSince, ConfigFile, Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from keelway.planning import Part


def release(
    *,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    publish: Annotated[
        bool,
        typer.Option("--publish/--no-publish", help="Whether images that pass are published."),
    ] = True,
    changed_since: ChangedSince = None,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Build, judge and publish the images of this commit.

    Images are scanned and listed before the gate judges them; only what passes is published.
    """
    from keelway._cli.carry_out import carry_out  # noqa: PLC0415 -- help starts at once

    without: dict[Part, str] = {} if publish else {"publish": "--no-publish was given"}
    carry_out(
        config, engine, progress, without=without, changed_since=changed_since, as_json=as_json
    )
