"""`keelway sbom`."""

from keelway._cli.options import (
    AsJson,
    CacheFrom,
    CacheTo,
    ConfigFile,
    Engine,
    Images,
    Platforms,
    Progress,
)
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

_REASON = "`keelway sbom` only builds and lists"


def sbom(  # noqa: PLR0913 -- as many options as there are
    *,
    config: ConfigFile = None,
    images: Images = None,
    platforms: Platforms = None,
    engine: Engine = EngineChoice.AUTO,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Build the images and list what is inside them, as SBOMs."""
    from keelway._cli.caching import Caching  # noqa: PLC0415 -- help starts at once
    from keelway._cli.carry_out import carry_out  # noqa: PLC0415 -- help starts at once
    from keelway._cli.prepare import Only  # noqa: PLC0415 -- likewise

    carry_out(
        config,
        engine,
        progress,
        without={"scan": _REASON, "integration": _REASON, "load": _REASON, "publish": _REASON},
        only=Only(images=images, platforms=platforms),
        caching=Caching(sources=cache_from, targets=cache_to),
        as_json=as_json,
    )
