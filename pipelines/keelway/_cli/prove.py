"""`keelway prove`."""

from typing import TYPE_CHECKING

from keelway._cli.options import AsJson, CacheFrom, CacheTo, ConfigFile, Engine, Platforms, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from keelway.planning import Part

_REASON = "`keelway prove` publishes nothing: `keelway assemble` does"


def prove(  # noqa: PLR0913 -- as many options as there are
    *,
    config: ConfigFile = None,
    platforms: Platforms = None,
    engine: Engine = EngineChoice.AUTO,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Build and judge on this machine what another one publishes.

    The images are kept with all that was found of them in the folder proof of the report directory.
    The digest of that proof is told, and kept in proof/digest: `keelway assemble` asks for it.
    """
    from functools import partial  # noqa: PLC0415 -- help starts at once

    from keelway._cli.caching import Caching  # noqa: PLC0415 -- help starts at once
    from keelway._cli.carry_out import carry_out_prepared  # noqa: PLC0415 -- likewise
    from keelway._cli.prepare import Only, prepare  # noqa: PLC0415 -- likewise
    from keelway.proof.making import prove as work  # noqa: PLC0415 -- likewise
    from keelway.proof.source import source_of  # noqa: PLC0415 -- likewise

    without: dict[Part, str] = {"publish": _REASON}
    prepared = prepare(config, without, only=Only(platforms=platforms))
    source = source_of(prepared.written, prepared.facts)
    carry_out_prepared(
        prepared,
        engine,
        progress,
        work=partial(work, source=source, directory=str(prepared.report_directory)),
        caching=Caching(sources=cache_from, targets=cache_to, proving=True),
        as_json=as_json,
    )
