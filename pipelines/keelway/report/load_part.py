"""What the report says of load tests."""

from datetime import datetime
from typing import Literal

from keelway.report.part import Part, ToolPart


class LoadMeasurePart(Part):
    """How the services answered under load; times in milliseconds."""

    counted: Literal["http", "grpc", "iterations"]
    """Whose times these are."""
    requests: int
    error_rate: float
    """0 to 1."""
    throughput: float
    """Requests in a second."""
    avg_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    checks_passed: int
    checks_failed: int


class ThresholdPart(Part):
    """One threshold of a load test."""

    metric: str
    expression: str
    crossed: bool


class RegressionPart(Part):
    """One figure, held against the last release."""

    figure: Literal["latency", "throughput", "error rate"]
    text: str
    crossed: bool


class LoadPart(Part):
    """The load test."""

    script: str
    """As the configuration names it, or `probe`."""
    target: str
    tool: ToolPart
    measure: LoadMeasurePart
    released: LoadMeasurePart | None
    """What the last release measured."""
    thresholds: tuple[ThresholdPart, ...]
    regressions: tuple[RegressionPart, ...]
    marked: bool
    """The script itself called the test failed."""
    summary: str
    """The tool's own figures, relative to this file."""
    log: str
    """What it said, relative to this file."""
    notes: tuple[str, ...]
    ran_at: datetime | None = None
    """When it began."""
    reused: bool = False
    """Whether that was at an earlier run: nothing that decides it changed since."""
