"""How the figures of a load test stand to those of the last release.

Example:
    >>> RegressionSpec(latency_percent=25).latency_percent
    25
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from keelway.model.load import LoadMeasure, LoadRegression, shown_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASED_FILE = "load/released.json"
"""Figures of the last release: kept apart, for a refused run writes `report.json` again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionSpec:
    """How much worse than the last release a figure may be. What is None is compared by nobody."""

    latency_percent: float | None = None
    """Of the 95th percentile."""
    throughput_percent: float | None = None
    """How much less may be answered in a second; not compared when absent."""
    error_rate: float | None = None
    """By which the share of failed requests may grow: 0.01 is one in a hundred more."""
    slack_ms: float = 5
    """The 95th percentile may grow by this in any case: so much comes from the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What the last release was asked, and how it answered."""

    script: str
    target: str
    measure: LoadMeasure


def kept_figures(report: str) -> str | None:
    """Return what to keep of a report: its load test, if that run published; else nothing."""
    document = _read(report)
    load = document.get("load")
    if document.get("outcome") != "ok" or not document.get("published"):
        return None
    text = json.dumps(load, indent=2) + "\n"
    return text if parse_released(text) is not None else None


def parse_released(text: str) -> Released | None:
    """Return the figures that were kept; none when the text is not what was kept."""
    found = _read(text)
    try:
        measure = cast("dict[str, Any]", found["measure"])
        known = {field.name: measure[field.name] for field in fields(LoadMeasure)}
        return Released(
            script=str(found["script"]), target=str(found["target"]), measure=LoadMeasure(**known)
        )
    except (KeyError, TypeError):
        return None


def compare(
    spec: RegressionSpec, measure: LoadMeasure, released: LoadMeasure
) -> tuple[LoadRegression, ...]:
    """Return each figure that is limited, and whether it is worse than allowed."""
    return tuple(_compared(spec, measure, released))


def _compared(
    spec: RegressionSpec, now: LoadMeasure, before: LoadMeasure
) -> Iterator[LoadRegression]:
    if spec.latency_percent is not None:
        slack = max(before.p95_ms * spec.latency_percent / 100, spec.slack_ms)
        yield LoadRegression(
            figure="latency",
            text=f"the 95th percentile is {shown_ms(now.p95_ms)}, it was "
            f"{shown_ms(before.p95_ms)} in the last release, {spec.latency_percent:g} % more or "
            f"{shown_ms(spec.slack_ms)} are allowed",
            crossed=now.p95_ms > before.p95_ms + slack,
        )
    if spec.throughput_percent is not None:
        least = before.throughput * (1 - spec.throughput_percent / 100)
        yield LoadRegression(
            figure="throughput",
            text=f"{now.throughput:.1f} requests a second, it were {before.throughput:.1f} in the "
            f"last release, {spec.throughput_percent:g} % less are allowed",
            crossed=now.throughput < least,
        )
    if spec.error_rate is not None:
        yield LoadRegression(
            figure="error rate",
            text=f"{now.error_rate:.2%} of the requests failed, it were {before.error_rate:.2%} in "
            f"the last release, {spec.error_rate:.2%} more are allowed",
            crossed=now.error_rate > before.error_rate + spec.error_rate,
        )


def _read(text: str) -> dict[str, Any]:
    try:
        read: object = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}
