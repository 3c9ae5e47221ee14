"""What the last release measured, from the report that it left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from keelway.model.platform import Platform
from keelway.model.policy import ImageMeasure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    MeasuresByImage = Mapping[tuple[str, Platform], ImageMeasure]

RELEASED_FILE = "policy/released.json"
"""Measures of the last release: kept apart, for a refused run writes `report.json` again."""

_SIZES = ("size_bytes", "layers", "largest_layer_bytes", "wasted_bytes", "compressed_bytes")


def released_measures(report: str) -> str | None:
    """Return what to keep of a report: its measures, if that run published; else nothing."""
    document = _read(report)
    policy = document.get("policy")
    if document.get("outcome") != "ok" or not document.get("published"):
        return None
    if not isinstance(policy, dict) or not parse_released(json.dumps(policy)):
        return None
    measures = cast("dict[str, Any]", policy)["measures"]
    return json.dumps({"measures": measures}, indent=2) + "\n"


def parse_released(text: str) -> MeasuresByImage:
    """Return the measures that were kept; none when the text is not what was kept."""
    try:
        found = [_measure(one) for one in cast("Iterable[Any]", _read(text).get("measures", ()))]
    except (KeyError, TypeError, ValueError):
        return {}
    return {(measure.image, measure.platform): measure for measure in found}


def _measure(one: Mapping[str, Any]) -> ImageMeasure:
    sizes: dict[str, Any] = {name: int(one[name]) for name in _SIZES}
    return ImageMeasure(image=str(one["image"]), platform=Platform(str(one["platform"])), **sizes)


def _read(text: str) -> dict[str, Any]:
    try:
        read: object = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}
