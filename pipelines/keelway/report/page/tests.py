"""The integration tests, and where one failed its services: why stands on the first screen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from keelway.model.reuse import reused_text
from keelway.report.page.markup import Content, Html, file_link, join, tag
from keelway.report.page.shown import (
    absent,
    fold,
    mark,
    notes,
    output,
    plural,
    seconds,
    section,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.report.document import ReportDocument
    from keelway.report.tests_part import CasePart, FaultPart, ServicePart, SuitePart

_MARKS = {"passed": "ok", "failed": "bad", "error": "bad", "skipped": "muted"}
_SOUND = frozenset({"running", "healthy"})
MOST_CASES = 1000
"""So many tests of a suite are shown one by one; the rest is counted."""


def tests(report: ReportDocument) -> Html:
    """Return each suite: failures with their services open, what passed folded."""
    found = report.tests
    if found is None:
        nothing = absent(report, "integration", "No integration test ran")
        return section("tests", "Tests", nothing)
    return section(
        "tests",
        "Tests",
        [_suite(suite) for suite in sorted(found.suites, key=lambda suite: not _failed(suite))],
        notes("Asked for by the compose files and not done", found.notes),
    )


def _failed(suite: SuitePart) -> bool:
    return any(case.status in {"failed", "error"} for case in suite.cases) or not suite.cases


def _suite(suite: SuitePart) -> Html:
    failed = _failed(suite)
    platform = f" ({suite.platform})" if suite.platform else ""
    counts = Counter[str](case.status for case in suite.cases)
    found = ", ".join(f"{counts[key]:,} {key}" for key in _MARKS if counts[key])
    word = mark("failed", "bad") if failed else mark("passed", "ok")
    reused = reused_text(suite.ran_at, reused=suite.reused)
    return tag(
        "article",
        tag("h3", f"{suite.name}{platform} ", word),
        tag("p", f"{found or 'no tests'} in {seconds(suite.seconds)}{reused}. ", _ended(suite)),
        _broken(suite),
        _faults(suite.faults),
        output("The last lines of the tests' command", suite.tail) if failed else None,
        _services(suite.services, is_open=failed),
        _cases(suite),
    )


def _ended(suite: SuitePart) -> Html:
    code = (
        "The tests' command was never started. "
        if suite.code is None
        else f"The tests' command ended with exit code {suite.code}. "
    )
    return join(code, file_link(suite.log) if suite.log else None)


def _broken(suite: SuitePart) -> list[Html]:
    return [
        tag(
            "div",
            tag("h4", mark(case.status, _MARKS[case.status]), " ", _label(case)),
            tag("p", case.message, cls="message"),
            output("What it wrote", case.output) if case.output != case.message else None,
            cls="failure",
        )
        for case in suite.cases
        if case.status in {"failed", "error"}
    ]


def _label(case: CasePart) -> str:
    return f"{case.classname}.{case.name}" if case.classname else case.name


def _cases(suite: SuitePart) -> Html | None:
    quiet = [case for case in suite.cases if case.status in {"passed", "skipped"}]
    if not quiet:
        return None
    shown = quiet[:MOST_CASES]
    left_out = len(quiet) - len(shown)
    return fold(
        f"Passed and skipped ({len(quiet):,})",
        table(
            f"Tests of {suite.name} that passed or were skipped",
            ("Test", "Outcome", "Took", "Message"),
            [
                (
                    _label(case),
                    mark(case.status, _MARKS[case.status]),
                    seconds(case.seconds),
                    case.message,
                )
                for case in shown
            ],
        ),
        tag("p", f"{left_out:,} more are in report.json") if left_out else None,
    )


def _faults(faults: Sequence[FaultPart]) -> Html | None:
    """Return the experiments: what was done to whom, and how the service bore it."""
    if not faults:
        return None
    return table(
        "Fault injection",
        ("Experiment", "Fault", "Expected", "Answered during it", "Recovered", "Log"),
        [
            (
                f"{fault.name}{reused_text(fault.ran_at, reused=fault.reused)}",
                fault.done,
                fault.expect,
                answered(fault),
                recovered(fault),
                file_link(fault.log) if fault.log else "",
            )
            for fault in faults
        ],
    )


def answered(fault: FaultPart) -> str:
    """Return what the probe was answered while the fault lasted, and how long that took."""
    answers = ", ".join(f"{status} ({number})" for status, number in fault.answers.items())
    return f"{answers}, at most {seconds(fault.slowest_s)}" if answers else "not asked"


def recovered(fault: FaultPart) -> str:
    """Return how soon all was well again, and how soon it had to be."""
    took = "never" if fault.recovered_s is None else f"after {seconds(fault.recovered_s)}"
    return f"{took}, allowed {fault.within_s:g} s"


def _services(services: Sequence[ServicePart], *, is_open: bool) -> list[Html]:
    """Return each service; those that something is wrong with first, and open."""
    return [
        _service(service, is_open=is_open and not sound(service))
        for service in sorted(services, key=sound)
    ]


def sound(service: ServicePart) -> bool:
    """Return whether nothing went wrong with a service."""
    return service.state in _SOUND or (service.state == "exited" and service.code == 0)


def _service(service: ServicePart, *, is_open: bool) -> Html:
    code = f", exit code {service.code}" if service.code is not None else ""
    restarts = f", restarted {plural(service.restarts, 'time')}" if service.restarts else ""
    state = mark(f"{service.state}{code}", "ok" if sound(service) else "bad")
    beside = f" in {service.experiment}" if service.experiment else ""
    name = tag("strong", service.name)
    summary: Content = join("Service ", name, beside, " ", state, restarts)
    log = tag("p", "Everything it wrote: ", file_link(service.log)) if service.log else None
    return fold(
        summary,
        tag("p", service.why, cls="why") if service.why else None,
        output("What its health check said", service.health),
        output("What happened, in seconds since the suite began", "\n".join(service.events)),
        output("The last lines of its log", service.tail),
        log,
        is_open=is_open,
    )
