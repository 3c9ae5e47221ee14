"""What test suites said of the images, and what became of the services beside them.

Example:
    >>> case = CaseResult(name="test_orders", classname="api", status=CaseStatus.FAILED)
    >>> suite = SuiteResult(name="api", platform=None, cases=(case,))
    >>> [failed.id for failed in TestResults(suites=(suite,)).failures()]
    ['api/api.test_orders']
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from keelway.model.reuse import reused_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keelway.model.faults import FaultResult
    from keelway.model.platform import Platform


class CaseStatus(StrEnum):
    """How one test ended."""

    PASSED = "passed"
    FAILED = "failed"
    """What was expected did not hold."""
    ERROR = "error"
    """It did not come to its end."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One test."""

    name: str
    """The test's name."""
    classname: str = ""
    """The group that it is in, as JUnit has it."""
    seconds: float = 0.0
    """How long it took."""
    status: CaseStatus = CaseStatus.PASSED
    """What became of it."""
    message: str = ""
    """Why it failed, or was skipped."""
    output: str = ""
    """What it said, cut to its end."""

    @property
    def failed(self) -> bool:
        """Whether it speaks against a release."""
        return self.status in {CaseStatus.FAILED, CaseStatus.ERROR}

    @property
    def label(self) -> str:
        """Return class and name, as tools write them."""
        return f"{self.classname}.{self.name}" if self.classname else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResult:
    """One service, as it stood when the suite had ended."""

    name: str
    """The service's name."""
    state: str
    """`running`, `healthy`, `unhealthy`, `starting`, `waiting`, `blocked`, `exited`, ..."""
    code: int | None = None
    """The exit code of its command, if it ended by itself."""
    why: str = ""
    """What there is to say: which dependency it waited for, what the health check said."""
    health: str = ""
    """What the health check said the last times."""
    log: str | None = None
    """The file that has all it wrote, relative to the report directory."""
    tail: str = ""
    """The last lines that it wrote."""
    events: tuple[str, ...] = ()
    """What happened to it, with seconds since the suite began."""
    restarts: int = 0
    """How often it was started again."""
    experiment: str | None = None
    """The experiment that it took part in, where it was one."""

    @property
    def sound(self) -> bool:
        """Whether nothing went wrong with it."""
        return self.state in {"running", "healthy"} or (self.state == "exited" and self.code == 0)

    @property
    def told(self) -> str:
        """Return its state on one line: `db exited with code 1: ...`."""
        code = f" with code {self.code}" if self.code is not None else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.name} {self.state}{code}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTest:
    """One failed test, as the gate judges it."""

    id: str
    """`SUITE/CLASS.NAME`: what an exception names."""
    suite: str
    platform: Platform | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """One test suite, run once, against its own set of services."""

    name: str
    """The suite's name."""
    platform: Platform | None
    """The platform of the images that were tested; none for the engine's own."""
    images: tuple[str, ...] = ()
    """The images of this build that took part."""
    cases: tuple[CaseResult, ...] = ()
    """Its tests."""
    services: tuple[ServiceResult, ...] = ()
    """What became of the services beside them."""
    code: int | None = None
    """The exit code of the tests' command; none when it was never started."""
    seconds: float = 0.0
    """How long it took."""
    log: str | None = None
    """What the tests' command wrote, relative to the report directory."""
    tail: str = ""
    """The last lines of it."""
    faults: tuple[FaultResult, ...] = ()
    """The experiments, where the suite is made of them."""
    ran_at: datetime | None = None
    """When it began; the first of its experiments, where it is made of them."""
    reused: bool = False
    """Whether all of that was at an earlier run: nothing that decides it changed since."""

    @property
    def label(self) -> str:
        """Return what people read: `api (linux/amd64)`."""
        return self.name if self.platform is None else f"{self.name} ({self.platform})"

    @property
    def failed(self) -> bool:
        """Whether any test of it failed."""
        return any(case.failed for case in self.cases)

    @property
    def sound(self) -> bool:
        """Whether nothing at all went wrong: what may count again, another time."""
        # An experiment hurts its services, and judges itself how they bear it.
        quiet = all(
            one.experiment is not None or (one.sound and not one.restarts) for one in self.services
        )
        return bool(self.cases) and not self.failed and quiet

    @property
    def logs(self) -> tuple[str, ...]:
        """Return the files that have what was written, relative to the report directory."""
        services = (one.log for one in self.services)
        every = (self.log, *services, *(one.log for one in self.faults))
        return tuple(dict.fromkeys(log for log in every if log is not None))

    def told(self) -> tuple[str, ...]:
        """Return what there is to say, line by line: for a failure also why, service by service."""
        counts = self.counts()
        found = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
        ended = f"{found or 'no tests'} in {self.seconds:.1f} s"
        lines = [f"{self.label}: {ended}{reused_text(self.ran_at, reused=self.reused)}"]
        lines += [f"  {fault.told}" for fault in self.faults]
        if not self.failed and self.cases:
            return tuple(lines)
        lines += [
            f"  {case.status}: {case.label}: {case.message}" for case in self.cases if case.failed
        ]
        for service in sorted(self.involved(), key=lambda one: one.sound):
            beside = "" if service.experiment is None else f" of {service.experiment}"
            lines.append(f"  service{beside} {service.told}")
            lines += [f"    health check {line}" for line in service.health.splitlines()]
            lines += [f"    | {line}" for line in service.tail.splitlines()]
        return tuple(lines)

    def involved(self) -> tuple[ServiceResult, ...]:
        """Return the services that a failure may come from: of experiments, those that failed."""
        failed = {case.classname for case in self.cases if case.failed}
        return tuple(one for one in self.services if one.experiment in {None, *failed})

    def counts(self) -> Mapping[str, int]:
        """Return the number of tests by status, zeroes included."""
        counts = {status.value: 0 for status in CaseStatus}
        for case in self.cases:
            counts[case.status.value] += 1
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResults:
    """The result of the integration stage."""

    __test__: ClassVar[bool] = False
    """pytest takes a class of this name for tests of its own."""

    suites: tuple[SuiteResult, ...]
    """In the order of the configuration, each platform by itself."""
    notes: tuple[str, ...] = ()
    """What the compose files ask for and is not done here."""

    def failures(self) -> tuple[FailedTest, ...]:
        """Return what speaks against a release, in the order of the suites."""
        return tuple(
            FailedTest(
                id=f"{suite.name}/{case.label}",
                suite=suite.name,
                platform=suite.platform,
                message=case.message.partition("\n")[0],
            )
            for suite in self.suites
            for case in suite.cases
            if case.failed
        )

    def counts(self) -> Mapping[str, int]:
        """Return the number of tests by status over all suites, zeroes included."""
        counts = {status.value: 0 for status in CaseStatus}
        for suite in self.suites:
            for status, number in suite.counts().items():
                counts[status] += number
        return counts

    def of(self, image: str, platform: Platform | None) -> tuple[SuiteResult, ...]:
        """Return the suites that an image took part in; for one platform, those that ran it."""
        return tuple(
            suite
            for suite in self.suites
            if image in suite.images and (platform is None or suite.platform in {None, platform})
        )
