"""The tests for other programs and for people: one JUnit file of all suites, and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from keelway.errors import redact
from keelway.model.reuse import reused_text
from keelway.model.tests import CaseStatus
from keelway.report.junit import clean, date, junit_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keelway.model.faults import FaultResult
    from keelway.model.tests import CaseResult, ServiceResult, SuiteResult, TestResults

TESTS_JUNIT_FILE = "integration.junit.xml"
TESTS_MARKDOWN_FILE = "integration.md"

_TAGS = {CaseStatus.FAILED: "failure", CaseStatus.ERROR: "error", CaseStatus.SKIPPED: "skipped"}


def tests_junit(results: TestResults) -> str:
    """Return all suites as JUnit's XML; where one failed, its services are in its output."""
    return junit_text(test_suites(results))


def test_suites(results: TestResults) -> ET.Element:
    """Return the same as an element that holds the suites."""
    root = ET.Element("testsuites", name="keelway integration")
    for suite in results.suites:
        _add_suite(root, suite)
    return root


def _add_suite(root: ET.Element, suite: SuiteResult) -> None:
    counts = suite.counts()
    element = ET.SubElement(
        root,
        "testsuite",
        name=suite.label,
        tests=str(len(suite.cases)),
        failures=str(counts["failed"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        time=f"{suite.seconds:.3f}",
    )
    date(element, suite.ran_at, reused=suite.reused)
    for case in suite.cases:
        _add_case(element, suite, case)
    if suite.failed or not suite.cases:
        ET.SubElement(element, "system-out").text = clean("\n".join(suite.told()))


def _add_case(parent: ET.Element, suite: SuiteResult, case: CaseResult) -> None:
    element = ET.SubElement(
        parent,
        "testcase",
        classname=clean(case.classname or suite.name),
        name=clean(case.name),
        time=f"{case.seconds:.3f}",
    )
    tag = _TAGS.get(case.status)
    if tag is None:
        return
    ended = ET.SubElement(element, tag, message=clean(case.message))
    if case.failed:
        ended.text = clean(case.output or case.message)


def tests_markdown(results: TestResults) -> str:
    """Return a page for people: a table, then each failure with its services."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: TestResults) -> Iterator[str]:
    yield from ("# Integration tests", "")
    yield "| suite | passed | failed | errors | skipped | seconds |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for suite in results.suites:
        counts = suite.counts()
        numbers = " | ".join(str(counts[key]) for key in ("passed", "failed", "error", "skipped"))
        reused = reused_text(suite.ran_at, reused=suite.reused)
        yield f"| {_cell(suite.label)}{reused} | {numbers} | {suite.seconds:.1f} |"
    yield from _fault_lines([fault for suite in results.suites for fault in suite.faults])
    for suite in results.suites:
        if suite.failed or not suite.cases:
            yield from ("", f"## {suite.label}", "")
            for case in suite.cases:
                if case.failed:
                    yield f"- **{case.status}** `{case.label}`: {redact(case.message)}"
            for service in suite.involved():
                yield from _service_lines(service)
    if results.notes:
        yield from ("", "## Not done here", "", *(f"- {redact(note)}" for note in results.notes))


def _fault_lines(faults: Sequence[FaultResult]) -> Iterator[str]:
    if not faults:
        return
    yield from ("", "## Fault injection", "")
    yield "| experiment | fault | expected | answered | recovered |"
    yield "| --- | --- | --- | --- | --- |"
    for fault in faults:
        answers = ", ".join(f"{status} ({number})" for status, number in fault.answers.items())
        seconds = "no" if fault.recovered_s is None else f"{fault.recovered_s:.1f} s"
        back = f"{seconds} of {fault.within_s:g} s"
        name = f"{fault.name}{reused_text(fault.ran_at, reused=fault.reused)}"
        cells = (name, fault.done, fault.expect, answers or "not asked", back)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _service_lines(service: ServiceResult) -> Iterator[str]:
    beside = "" if service.experiment is None else f"{service.experiment}: "
    yield from ("", f"### {beside}{service.name}: {service.state}", "")
    yield redact(service.told)
    for title, text in (
        ("what happened", "\n".join(service.events)),
        ("health check", service.health),
        (f"the last lines of {service.log}", service.tail),
    ):
        if text:
            yield from ("", f"{title}:", "", "```text", _fenced(text), "```")


def _fenced(text: str) -> str:
    return redact(text).replace("```", "'''")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
