"""What a load test measured, and what speaks against it.

Example:
    >>> LoadThreshold(metric="http_req_failed", expression="rate<0.01", crossed=False).text
    'http_req_failed: rate<0.01'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from keelway.model.reuse import reused_text

if TYPE_CHECKING:
    from datetime import datetime

    from keelway.model.tool import ToolVersion

Counted = Literal["http", "grpc", "iterations"]
"""Whose times these are: HTTP requests', gRPC's, or where a script makes neither its turns'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadMeasure:
    """How the services answered under load; times in milliseconds."""

    counted: Counted
    """What `requests` counts."""
    requests: int
    """HTTP requests, else turns of the script."""
    error_rate: float
    """The share of requests that failed, 0 to 1."""
    throughput: float
    """Requests in a second."""
    avg_ms: float
    """The mean."""
    p50_ms: float
    """So long or shorter took half of them."""
    p90_ms: float
    """So long or shorter took 90 %."""
    p95_ms: float
    """So long or shorter took 95 %."""
    p99_ms: float
    """So long or shorter took 99 %."""
    max_ms: float
    """The longest."""
    checks_passed: int = 0
    """Of the script's own `check`s, which cross no threshold by themselves."""
    checks_failed: int = 0
    """How many checks of the script failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadThreshold:
    """One threshold, and whether it was crossed."""

    metric: str
    """With its tags, where it is about some requests only: `http_req_duration{name:list}`."""
    expression: str
    """As k6 writes it, as in `p(95)<300`."""
    crossed: bool
    """Whether it does not hold."""

    @property
    def text(self) -> str:
        """Return both in one: what an exception names as its path."""
        return f"{self.metric}: {self.expression}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRegression:
    """One figure that is held against the last release."""

    figure: Literal["latency", "throughput", "error rate"]
    """What was compared."""
    text: str
    """Both figures and what is allowed, as one sentence."""
    crossed: bool
    """Whether it is worse than is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """The result of the load stage."""

    script: str
    """The script as the configuration names it, or `probe`."""
    target: str
    """The service's URL."""
    measure: LoadMeasure
    """What was measured."""
    thresholds: tuple[LoadThreshold, ...]
    """In the order of metrics and expressions."""
    tool: ToolVersion
    """What measured."""
    summary: str
    """The tool's own figures, as a path under the report directory."""
    log: str
    """What it said, as a path under the report directory."""
    seconds: float = 0.0
    """How long it took."""
    regressions: tuple[LoadRegression, ...] = ()
    """What was compared with the last release; empty without one."""
    released: LoadMeasure | None = None
    """What the last release measured."""
    marked: bool = False
    """The script itself called the test failed."""
    notes: tuple[str, ...] = ()
    """What should be known beside the figures."""
    ran_at: datetime | None = None
    """When it began."""
    reused: bool = False
    """Whether that was at an earlier run: nothing that decides it changed since."""

    @property
    def host(self) -> str:
        """Return the name of the service."""
        return urlsplit(self.target).hostname or self.target

    def crossed(self) -> tuple[LoadThreshold, ...]:
        """Return the thresholds that speak against a release."""
        return tuple(threshold for threshold in self.thresholds if threshold.crossed)

    def regressed(self) -> tuple[LoadRegression, ...]:
        """Return the figures that are worse than allowed."""
        return tuple(one for one in self.regressions if one.crossed)

    @property
    def reused_text(self) -> str:
        """Return what is told behind the figures."""
        return reused_text(self.ran_at, reused=self.reused)

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against a release."""
        return not (self.marked or self.crossed() or self.regressed())


def measure_text(measure: LoadMeasure) -> str:
    """Return a measure on one line, for people."""
    return (
        f"{measure.requests} requests, {measure.throughput:.0f}/s, p50 {shown_ms(measure.p50_ms)}, "
        f"p95 {shown_ms(measure.p95_ms)}, p99 {shown_ms(measure.p99_ms)}, "
        f"max {shown_ms(measure.max_ms)}, {measure.error_rate:.2%} failed"
    )


def shown_ms(milliseconds: float) -> str:
    """Return a time as people read it.

    >>> shown_ms(0.25), shown_ms(12.34), shown_ms(2500)
    ('0.25 ms', '12.3 ms', '2.50 s')
    """
    if milliseconds >= 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.1f} ms" if milliseconds >= 1 else f"{milliseconds:.2f} ms"
