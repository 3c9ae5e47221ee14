"""`keelway load`."""

from keelway._cli.options import AsJson, CacheFrom, CacheTo, ConfigFile, Engine, Progress, Rerun
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

_REASON = "`keelway load` only builds and puts the images under load"


def load(  # noqa: PLR0913 - a command has the options that it has
    *,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    progress: Progress = ProgressForm.AUTO,
    rerun: Rerun = False,
    as_json: AsJson = False,
) -> None:
    """Build the images, and judge how one bears load by k6."""
    from keelway._cli.caching import Caching  # noqa: PLC0415 -- help starts at once
    from keelway._cli.carry_out import carry_out  # noqa: PLC0415 -- help starts at once
    from keelway.loading import build_and_load  # noqa: PLC0415 -- likewise

    carry_out(
        config,
        engine,
        progress,
        without={
            "policy": _REASON, "scan": _REASON, "sbom": _REASON, "integration": _REASON,
            "publish": _REASON,
        },
        work=build_and_load,
        rerun=rerun,
        caching=Caching(sources=cache_from, targets=cache_to),
        as_json=as_json,
    )  # fmt: skip
