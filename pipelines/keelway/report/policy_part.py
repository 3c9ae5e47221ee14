"""The policy, as `report.json` has it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from keelway.errors import redact, tail
from keelway.report.masking import masked
from keelway.report.part import Part

if TYPE_CHECKING:
    from keelway.model.policy import ImageMeasure, PolicyReport, PolicyResult

OutcomeName = Literal["passed", "failed", "warned", "skipped"]


class LayerPart(Part):
    """One layer of an image, in bytes."""

    digest: str
    """Of the layer as it is kept in a registry."""
    size_bytes: int
    """Of its files, unpacked."""
    compressed_bytes: int
    created_by: str | None
    """The instruction that made it, as the image's history has it."""


class MeasurePart(Part):
    """How large an image is for one platform, in bytes."""

    image: str
    platform: str
    size_bytes: int
    layers: int
    largest_layer_bytes: int
    wasted_bytes: int
    compressed_bytes: int
    efficiency: float = 1.0
    """The part of all bytes that no later layer replaces or removes."""
    by_layer: tuple[LayerPart, ...] = ()
    """The lowest first."""


class StartPart(Part):
    """How an image started and stopped on one platform; times in milliseconds."""

    image: str
    platform: str
    healthy_ms: int
    memory_bytes: int
    """The most that its processes held, added up."""
    stopped_ms: int | None
    """After its stop signal; null when it had to be killed."""
    noticed_ms: int | None
    """How long its health check took to fail once it was gone; null when it never did."""
    emulated: bool
    """Its programs are another machine's: times and memory are the emulator's too."""


class RulePart(Part):
    """One rule of the policy, held against one image."""

    rule: str
    outcome: OutcomeName
    image: str
    platform: str | None
    message: str
    where: str | None
    next_step: str | None = None
    output: str = ""
    """What there is to read beside the message: the last lines of an image that did not start."""
    seconds: float = 0.0


class PolicyPart(Part):
    """The policy."""

    results: tuple[RulePart, ...]
    """Failed ones first."""
    measures: tuple[MeasurePart, ...]
    starts: tuple[StartPart, ...]
    """Of images whose own health check passed."""
    notes: tuple[str, ...]


def policy_part(checked: PolicyReport | None) -> PolicyPart | None:
    """Return what the policy found."""
    if checked is None:
        return None
    return PolicyPart(
        results=tuple(_rule(result) for result in checked.results),
        measures=tuple(_measure(measure) for measure in checked.measures),
        starts=tuple(StartPart(**asdict(start)) for start in checked.starts),
        notes=checked.notes,
    )


def _rule(result: PolicyResult) -> RulePart:
    return RulePart(
        rule=result.rule,
        outcome=result.outcome.value,
        image=result.image,
        platform=result.platform,
        message=redact(result.message),
        where=result.where,
        next_step=result.next_step,
        output=redact(tail(result.output)),
        seconds=round(result.seconds, 3),
    )


def _measure(measure: ImageMeasure) -> MeasurePart:
    return MeasurePart(
        image=measure.image,
        platform=measure.platform,
        size_bytes=measure.size_bytes,
        layers=measure.layers,
        largest_layer_bytes=measure.largest_layer_bytes,
        wasted_bytes=measure.wasted_bytes,
        compressed_bytes=measure.compressed_bytes,
        efficiency=measure.efficiency,
        by_layer=tuple(
            LayerPart(
                digest=layer.digest,
                size_bytes=layer.size_bytes,
                compressed_bytes=layer.compressed_bytes,
                created_by=None if layer.created_by is None else masked(layer.created_by),
            )
            for layer in measure.by_layer
        ),
    )
