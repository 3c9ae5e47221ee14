"""One test suite, carried out beside services of its own, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway._kept import keep_logs
from keelway.errors import KeelwayError, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway._stage import Run
    from keelway.model.image import Images
    from keelway.model.platform import Platform
    from keelway.model.tests import CaseResult, SuiteResult
    from keelway.stack.board import Told
    from keelway.stack.running import Stack
    from keelway.stack.spec import StackSpec, SuiteSpec

_CANNOT_RUN = frozenset({126, 127})
"""Exit codes of a command that cannot be executed or is not there (POSIX shell, 2.8.2)."""
_SIGNALLED = 128


async def run_suite(
    run: Run, suite: SuiteSpec, beside: StackSpec, images: Images, *, directory: str, folder: str
) -> tuple[SuiteResult, KeelwayError | None]:
    """Return what a suite said, with the error where its tests broke instead of failing.

    Args:
        run: The run.
        suite: The suite.
        beside: What is started, the tests among it.
        images: What was built.
        directory: The report directory; the logs of all services are kept, whatever happens.
        folder: Where the logs go in it.

    Raises:
        ConfigError: A service cannot be run as it is written.
        PlanError: A secret cannot be read, an image is not built, BusyBox is missing.
        StageError: An image cannot be had, or the engine does not start a container.
    """
    from keelway.stack.running import Stack  # noqa: PLC0415 - not for a plan

    stack = Stack(run, beside, images)
    try:
        async with stack:
            await stack.tested()
    except BaseException:
        await keep_logs(directory, folder, stack.logs())
        raise
    for note in stack.notes:
        run.say("integration", f"{suite.name}: {note}")
    logs = await keep_logs(directory, folder, stack.logs())
    return _judged(suite, beside.platform, stack, logs)


def _judged(
    suite: SuiteSpec, platform: Platform | None, stack: Stack, logs: Mapping[str, str]
) -> tuple[SuiteResult, KeelwayError | None]:
    from keelway.model.tests import SuiteResult  # noqa: PLC0415 - not for a plan
    from keelway.stack.board import last_lines, ran_s  # noqa: PLC0415 - likewise

    told = stack.told[suite.tests.name]
    services = stack.results(logs)
    result = SuiteResult(
        name=suite.name,
        platform=platform,
        images=tuple(dict.fromkeys(suite.built.values())),
        services=services,
        code=told.code,
        seconds=ran_s(told),
        log=logs.get(suite.tests.name),
        tail=last_lines(told.log),
    )
    error: KeelwayError | None = None
    cases: tuple[CaseResult, ...] = ()
    try:
        cases = _cases(suite, told)
    except KeelwayError as broken:
        for service in services:
            if not service.sound:
                broken.add_note(f"service {service.told}")
        error = broken
    return replace(result, cases=cases), error


def _cases(suite: SuiteSpec, told: Told) -> tuple[CaseResult, ...]:
    """Return the tests; where there are none to read, one that stands for all.

    Raises:
        ToolError: The command broke, instead of finding that something does not hold.
        ToolOutputError: What it wrote is no JUnit file.
    """
    from keelway._tools.junit_report import parse_junit  # noqa: PLC0415 - not for a plan
    from keelway.model.tests import CaseResult, CaseStatus  # noqa: PLC0415 - likewise

    def alone(status: CaseStatus, message: str) -> tuple[CaseResult, ...]:
        return (CaseResult(name=suite.name, status=status, message=message, output=told.log),)

    if told.state != "exited":
        why = told.why or f"the tests were still {told.state}"
        return alone(CaseStatus.ERROR, f"the tests were not started: {why}")
    cases = tuple(case for text in told.results for case in parse_junit(text))
    if told.why:  # its time was over
        return (*cases, *alone(CaseStatus.ERROR, f"the tests were {told.why}"))
    code = told.code or 0
    failed = any(case.failed for case in cases)
    if code in _CANNOT_RUN or code > _SIGNALLED or (suite.junit and code and not failed):
        raise _broken(suite, told, f"ended with exit code {code} and no failed test")
    if suite.junit and not cases:
        raise _broken(suite, told, f"wrote no test to {', '.join(suite.junit)}")
    if suite.junit:
        return cases
    if code:
        return alone(CaseStatus.FAILED, f"the tests ended with exit code {code}")
    return alone(CaseStatus.PASSED, "")


def _broken(suite: SuiteSpec, told: Told, what: str) -> ToolError:
    return ToolError(
        f"the tests' command {what}",
        stage="integration",
        command=suite.tests.command or (),
        code=told.code,
        output=told.log,
        next_step="look at its output above; a test that fails is a result, this is not",
    )
