"""The figures of a k6 run, from the file that `--summary-export` writes.

The file is written by every k6 of 0.x and 1.x, for scripts with a `handleSummary` of their own too.
The newer machine-readable form has neither thresholds nor the 99th percentile, so it is not asked
for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from keelway.errors import ToolOutputError
from keelway.model.load import LoadMeasure, LoadThreshold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.model.load import Counted

_STAGE = "load"
_LATENCY: tuple[tuple[Counted, str, str], ...] = (
    ("http", "http_req_duration", "http_reqs"),
    ("grpc", "grpc_req_duration", "iterations"),
    ("iterations", "iteration_duration", "iterations"),
)
"""What is measured, the metric of its times, and the metric that counts it: the first there is.

k6 keeps no number of gRPC's requests: turns of the script are counted.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What k6 measured."""

    measure: LoadMeasure | None
    """Nothing when the script made no request and came to the end of no turn."""
    thresholds: tuple[LoadThreshold, ...]


def parse_summary(text: str) -> Summary:
    """Return the figures.

    Raises:
        ToolOutputError: It is no such file.
    """
    try:
        document: object = json.loads(text)
        metrics = cast(
            "Mapping[str, Mapping[str, Any]]", cast("dict[str, Any]", document)["metrics"]
        )
        return Summary(measure=_measure(metrics), thresholds=tuple(_thresholds(metrics)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ToolOutputError(
            "k6's summary has another form than is known",
            stage=_STAGE,
            text=text,
            why=f"{type(error).__name__}: {error}",
            next_step="use a k6 whose --summary-export has its form of 1.x: set one under "
            "[tools.k6]",
        ) from error


def _thresholds(metrics: Mapping[str, Mapping[str, Any]]) -> Iterator[LoadThreshold]:
    for metric in sorted(metrics):
        crossed = cast("Mapping[str, bool]", metrics[metric].get("thresholds") or {})
        for expression in sorted(crossed):
            yield LoadThreshold(
                metric=metric, expression=expression, crossed=bool(crossed[expression])
            )


def _measure(metrics: Mapping[str, Mapping[str, Any]]) -> LoadMeasure | None:
    checks = metrics.get("checks", {})
    for counted, times, count in _LATENCY:
        number = int(metrics.get(count, {}).get("count", 0))
        if times not in metrics or not number:
            continue
        latency = metrics[times]
        return LoadMeasure(
            counted=counted,
            requests=number,
            error_rate=float(metrics.get("http_req_failed", {}).get("value", 0.0))
            if counted == "http"
            else 0.0,
            throughput=float(metrics[count].get("rate", 0.0)),
            avg_ms=float(latency["avg"]),
            p50_ms=float(latency["med"]),
            p90_ms=float(latency["p(90)"]),
            p95_ms=float(latency["p(95)"]),
            p99_ms=float(latency["p(99)"]),
            max_ms=float(latency["max"]),
            checks_passed=int(checks.get("passes", 0)),
            checks_failed=int(checks.get("fails", 0)),
        )
    return None
