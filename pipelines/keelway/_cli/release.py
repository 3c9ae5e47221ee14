"""`keelway release`."""

from typing import TYPE_CHECKING, Annotated

import typer

from keelway._cli.options import (
    AsJson,
    CacheFrom,
    CacheTo,
    ChangedSince,
    ConfigFile,
    Engine,
    Progress,
    Rerun,
)
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from keelway.planning import Part


def release(  # noqa: PLR0913 - a release has the options that it has
    *,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    publish: Annotated[
        bool,
        typer.Option("--publish/--no-publish", help="Whether images that pass are published."),
    ] = True,
    tests: Annotated[
        bool,
        typer.Option(
            "--tests/--no-tests", help="Whether images are tested beside neighbours and under load."
        ),
    ] = True,
    rerun: Rerun = False,
    changed_since: ChangedSince = None,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Build, judge and publish the images of this commit.

    Images are scanned and listed before the gate judges them; only what passes is published.
    """
    from functools import partial  # noqa: PLC0415 -- help starts at once

    from keelway import flow  # noqa: PLC0415 -- likewise
    from keelway._cli.caching import Caching  # noqa: PLC0415 -- likewise
    from keelway._cli.carry_out import carry_out_prepared  # noqa: PLC0415 -- likewise
    from keelway._cli.prepare import prepare  # noqa: PLC0415 -- likewise
    from keelway._cli.prepare_fleet import prepare_fleet  # noqa: PLC0415 -- likewise
    from keelway.fleet.proving import release as release_by_fleet  # noqa: PLC0415 -- likewise

    without: dict[Part, str] = {} if publish else {"publish": "--no-publish was given"}
    if not tests:
        without |= dict.fromkeys(("integration", "load"), "--no-tests was given")
    prepared = prepare(config, without, changed_since, rerun=rerun)
    fleet = prepare_fleet(prepared, engine, without, rerun=rerun)
    work = flow.release if fleet is None else partial(release_by_fleet, spec=fleet)
    caching = Caching(sources=cache_from, targets=cache_to)
    carry_out_prepared(prepared, engine, progress, work=work, caching=caching, as_json=as_json)
