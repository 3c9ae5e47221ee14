"""`keelway build`."""

from typing import TYPE_CHECKING

from keelway._cli.options import AsJson, ConfigFile, Engine, Images, Platforms, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from keelway.planning import Part

_REASON = "`keelway build` only builds"


def build(
    *,
    config: ConfigFile = None,
    images: Images = None,
    platforms: Platforms = None,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Build the images for every platform, and nothing else."""
    from keelway._cli.carry_out import carry_out  # noqa: PLC0415 -- help starts at once
    from keelway._cli.prepare import Only  # noqa: PLC0415 -- likewise

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
        only=Only(images=images, platforms=platforms),
        as_json=as_json,
    )
