"""`keelway build`."""

from typing import TYPE_CHECKING, Annotated

import typer

from keelway._cli.options import (
    AsJson,
    CacheFrom,
    CacheTo,
    ChangedSince,
    ConfigFile,
    Engine,
    Images,
    Platforms,
    Progress,
)
from keelway.errors import PlanError
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from keelway.planning import Part

_REASON = "`keelway build` only builds"


def build(  # noqa: PLR0913 -- as many options as there are
    *,
    config: ConfigFile = None,
    images: Images = None,
    platforms: Platforms = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Every image for every platform: so it is too where none is named."
        ),
    ] = False,
    changed_since: ChangedSince = None,
    engine: Engine = EngineChoice.AUTO,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Build the images for every platform, and nothing else."""
    from keelway._cli.caching import Caching  # noqa: PLC0415 -- help starts at once
    from keelway._cli.carry_out import carry_out  # noqa: PLC0415 -- help starts at once
    from keelway._cli.prepare import Only  # noqa: PLC0415 -- likewise

    if everything and (images or platforms):
        raise PlanError(
            "--all is not narrowed by --image or --platform", next_step="give one or the other"
        )
    without: dict[Part, str] = {
        "scan": _REASON,
        "sbom": _REASON,
        "integration": _REASON,
        "load": _REASON,
        "publish": _REASON,
    }
    carry_out(
        config,
        engine,
        progress,
        without=without,
        changed_since=changed_since,
        only=Only(images=images, platforms=platforms),
        caching=Caching(sources=cache_from, targets=cache_to),
        as_json=as_json,
    )
