"""The integration tests, as `report.json` has them."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

from keelway.report.part import Part


class CasePart(Part):
    """One test."""

    name: str
    classname: str
    status: Literal["passed", "failed", "error", "skipped"]
    seconds: float
    message: str
    output: str = ""
    """What it wrote, its end."""


class ServicePart(Part):
    """One service beside the tests, as it stood when they had ended."""

    name: str
    state: str
    """`running`, `healthy`, `unhealthy`, `exited`, `blocked`, ..."""
    code: int | None
    """The exit code of its command, if it ended by itself."""
    why: str
    health: str
    """What its health check said the last times."""
    restarts: int
    events: tuple[str, ...]
    log: str | None
    """All it wrote, relative to this file."""
    tail: str
    """The last lines of that."""
    experiment: str | None = None
    """The experiment that it took part in, where it was one."""


class FaultPart(Part):
    """One experiment: how a service answered while another one was hurt."""

    name: str
    service: str
    """The service that was hurt."""
    done: str
    """What was done to it, in words."""
    probe: str
    expect: str
    """`stays-up`, `degrades` or `recovers`."""
    answers: Mapping[str, int]
    """How often the probe answered what during the fault, by HTTP status, or `none`."""
    slowest_s: float
    """How long the slowest of them took."""
    recovered_s: float | None
    """Seconds from the end of the fault until all was well; null when it never was."""
    within_s: float
    """How soon it had to recover."""
    log: str | None
    """The experiment's own log, relative to this file."""
    ran_at: datetime | None = None
    """When it began."""
    reused: bool = False
    """Whether that was at an earlier run: nothing that decides it changed since."""


class SuitePart(Part):
    """One test suite, run once."""

    name: str
    platform: str | None
    """Of the images that were tested; null for the engine's own."""
    images: tuple[str, ...]
    """The images of this build that took part."""
    code: int | None
    """The exit code of the tests' command; null when it was never started."""
    seconds: float
    log: str | None
    tail: str = ""
    """The last lines that the tests' command wrote."""
    cases: tuple[CasePart, ...]
    services: tuple[ServicePart, ...]
    faults: tuple[FaultPart, ...] = ()
    """The experiments, where the suite is made of them."""
    ran_at: datetime | None = None
    """When it began; the first of its experiments, where it is made of them."""
    reused: bool = False
    """Whether all of that was at an earlier run: nothing that decides it changed since."""


class TestsPart(Part):
    """The integration tests."""

    __test__: ClassVar[bool] = False

    suites: tuple[SuitePart, ...]
    notes: tuple[str, ...]
    """What the compose files ask for and was not done."""
