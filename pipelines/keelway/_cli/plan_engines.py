"""Where each platform is built, as data and as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.facts.processor import how_it_runs
from keelway.fleet.planning import assign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway.config import Config
    from keelway.model.platform import Platform
    from keelway.planning import Plan

_NOT_HERE = "not by this machine, which has no emulator for it"


def engines_part(config: Config, plan: Plan) -> list[dict[str, Any]]:
    """Return who builds which platforms; without a fleet, how this machine runs their programs."""
    fleet = assign(config)
    if not fleet:
        images = plan.verify.build.images
        built = tuple(dict.fromkeys(one for image in images for one in image.platforms))
        return [
            {
                "platforms": list(built),
                "images": [],
                "engines": [],
                "builds": None,
                "here": _here(built),
            }
        ]
    return [
        {
            "platforms": list(one.platforms),
            "images": list(one.images) if one.part else [],
            "engines": [engine.text for engine in one.engines],
            "builds": one.builds,
            "here": _here(one.platforms) if any(engine.here for engine in one.engines) else {},
        }
        for one in fleet
    ]


def engine_lines(parts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield rows for people."""
    for part in parts:
        first, *others = part["engines"] or ["local"]
        what = f" ({', '.join(part['images'])})" if part["images"] else ""
        for platform in part["platforms"]:
            if first.partition(":")[0] == "local":
                yield platform, f"{first}: {part['here'][platform]}{what}"
            else:
                yield platform, f"{first}: at most {part['builds']} builds at once{what}"
            for other in others:
                how = part["here"].get(platform) if other.partition(":")[0] == "local" else None
                yield "", f"when that is lost: {other}{f': {how}' if how else ''}"


def _here(platforms: Sequence[Platform]) -> dict[str, str]:
    return {str(one): how_it_runs(one) or _NOT_HERE for one in platforms}
