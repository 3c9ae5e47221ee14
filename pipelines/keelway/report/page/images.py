"""The images: their layers and sizes for each platform, and what the policy says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.load import shown_ms
from keelway.policy.budget import shown_size
from keelway.report.page.markup import Html, join, tag
from keelway.report.page.shown import (
    absent,
    bar,
    fold,
    mark,
    notes,
    output,
    plural,
    section,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.report.document import ReportDocument
    from keelway.report.policy_part import LayerPart, MeasurePart, PolicyPart, RulePart, StartPart

_MARKS = {"failed": "bad", "warned": "warn", "passed": "ok", "skipped": "muted"}
_SHORT = 19  # `sha256:` and twelve digits


def images(report: ReportDocument) -> Html:
    """Return the sizes and layers of every image, for each platform."""
    if report.policy is None or not report.policy.measures:
        built = [
            tag("li", f"{image.name} for {', '.join(image.platforms)}")
            for image in report.images or ()
        ]
        missing = absent(report, "policy", "Layers and sizes were not measured")
        return section("images", "Images", tag("ul", built) if built else None, missing)
    measures = report.policy.measures
    largest = max(measure.size_bytes for measure in measures) or 1
    sizes = table(
        "Sizes by image and platform",
        ("Image", "Unpacked", "Compressed", "Layers", "Wasted", "Share of the largest"),
        [
            (
                _label(measure),
                shown_size(measure.size_bytes),
                shown_size(measure.compressed_bytes),
                measure.layers,
                shown_size(measure.wasted_bytes),
                bar(0, measure.size_bytes / largest, "size"),
            )
            for measure in measures
        ],
        cls="sizes",
    )
    return section(
        "images",
        "Images",
        sizes,
        [_layers(one, is_open=one is measures[0]) for one in measures],
        _starts(report.policy),
    )


def _label(measure: MeasurePart | StartPart) -> str:
    return f"{measure.image} ({measure.platform})"


def _layers(measure: MeasurePart, *, is_open: bool) -> Html | None:
    if not measure.by_layer:
        return None
    largest = max(layer.size_bytes for layer in measure.by_layer) or 1
    rows = [
        (
            str(number),
            shown_size(layer.size_bytes),
            shown_size(layer.compressed_bytes),
            bar(0, layer.size_bytes / largest, "size"),
            _maker(layer),
        )
        for number, layer in enumerate(measure.by_layer, 1)
    ]
    columns = ("Layer", "Unpacked", "Compressed", "Size", "Made by")
    label = _label(measure)
    total = f"{plural(measure.layers, 'layer')}, {shown_size(measure.size_bytes)}"
    caption = f"Layers of {label}, lowest first"
    layers = table(caption, columns, rows, cls="layers")
    return fold(join(tag("strong", label), f" {total}"), layers, is_open=is_open)


def _maker(layer: LayerPart) -> Html:
    digest = tag("span", layer.digest[:_SHORT], cls="digest", title=layer.digest)
    return join(tag("code", layer.created_by or "not told by the image's history"), " ", digest)


def _starts(policy: PolicyPart) -> Html | None:
    if not policy.starts:
        return None
    return table(
        "How they started and stopped",
        ("Image", "Healthy after", "Memory", "Stopped after", "Failure noticed after"),
        [
            (
                join(_label(one), " (emulated)" if one.emulated else None),
                shown_ms(one.healthy_ms),
                shown_size(one.memory_bytes),
                "killed" if one.stopped_ms is None else shown_ms(one.stopped_ms),
                "never" if one.noticed_ms is None else shown_ms(one.noticed_ms),
            )
            for one in policy.starts
        ],
    )


def policy(report: ReportDocument) -> Html:
    """Return what the policy found: what is broken first, what holds folded."""
    found = report.policy
    if found is None:
        return section("policy", "Policy", absent(report, "policy", "No rule was looked at"))
    loud = [result for result in found.results if result.outcome in {"failed", "warned"}]
    quiet = [result for result in found.results if result.outcome not in {"failed", "warned"}]
    held = tag("p", mark("passed", "ok"), " No rule is broken.")
    others = f"Rules that hold or were not looked at ({len(quiet)})"
    return section(
        "policy",
        "Policy",
        _rules("Broken rules", loud) if loud else held,
        [output(f"{one.rule} of {one.image} wrote", one.output) for one in loud],
        fold(others, _rules("Other rules", quiet)) if quiet else None,
        notes("Not looked at", found.notes),
    )


def _rules(caption: str, results: Iterable[RulePart]) -> Html:
    return table(
        caption,
        ("Rule", "Outcome", "Image", "What"),
        [
            (
                result.rule,
                mark(result.outcome, _MARKS[result.outcome]),
                " ".join(filter(None, (result.image, result.platform))),
                join(
                    result.message,
                    join(" at ", tag("code", result.where)) if result.where else None,
                    join(tag("br"), "next: ", result.next_step) if result.next_step else None,
                ),
            )
            for result in results
        ],
    )
