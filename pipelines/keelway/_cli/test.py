"""`keelway test`."""

from typing import Annotated

import typer

from keelway._cli.options import (
    AsJson,
    CacheFrom,
    CacheTo,
    ConfigFile,
    Engine,
    Platforms,
    Progress,
    Rerun,
    Suites,
)
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

_REASON = "`keelway test` only builds and tests"
_ONLY_FAULTS = "`keelway test --faults` only injects faults"


def test(  # noqa: PLR0913 - a command has the options that it has
    *,
    config: ConfigFile = None,
    platforms: Platforms = None,
    suites: Suites = None,
    engine: Engine = EngineChoice.AUTO,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    progress: Progress = ProgressForm.AUTO,
    faults: Annotated[
        bool, typer.Option("--faults", help="Only inject faults: no test suites.")
    ] = False,
    rerun: Rerun = False,
    as_json: AsJson = False,
) -> None:
    """Build the images and test them beside their neighbours.

    Services come from the compose files of `[integration]`; each suite, and each experiment that
    injects a fault, has its own set of them.
    """
    from keelway._cli.caching import Caching  # noqa: PLC0415 -- help starts at once
    from keelway._cli.carry_out import carry_out  # noqa: PLC0415 -- help starts at once
    from keelway._cli.prepare import Only  # noqa: PLC0415 -- likewise

    carry_out(
        config,
        engine,
        progress,
        without={
            "policy": _REASON,
            "scan": _REASON,
            "sbom": _REASON,
            "load": _REASON,
            "publish": _REASON,
            **({"suites": _ONLY_FAULTS} if faults else {}),
        },
        only=Only(platforms=platforms, suites=suites),
        rerun=rerun,
        caching=Caching(sources=cache_from, targets=cache_to),
        as_json=as_json,
    )
