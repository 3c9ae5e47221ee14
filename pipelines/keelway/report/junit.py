"""JUnit's XML of the policy: one suite for each image and platform, one case for each rule."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from keelway.errors import redact
from keelway.model.policy import PolicyOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from keelway.model.policy import PolicyReport, PolicyResult

JUNIT_FILE = "policy.junit.xml"

# XML has no way to write other control characters, and logs have them.
_CONTROL = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF], "\N{REPLACEMENT CHARACTER}"
)


def policy_junit(report: PolicyReport) -> str:
    """Return the policy's results as JUnit's XML.

    A rule that is broken on the level `warn` passes, with its message as output.
    """
    return junit_text(policy_suites(report))


def policy_suites(report: PolicyReport) -> ET.Element:
    """Return the same as an element that holds the suites."""
    root = ET.Element("testsuites", name="keelway policy")
    results = sorted(report.results, key=_suite_of)
    for name, some in groupby(results, key=_suite_of):
        _add_suite(root, name, tuple(some))
    return root


def junit_text(root: ET.Element) -> str:
    """Return a whole file of suites."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def date(suite: ET.Element, ran_at: datetime | None, *, reused: bool) -> None:
    """Say in a suite when it began, and that it is told again, where it is reused."""
    if ran_at is not None:
        suite.set("timestamp", f"{ran_at:%Y-%m-%dT%H:%M:%S}")
    if reused:
        properties = ET.SubElement(suite, "properties")
        _ = ET.SubElement(properties, "property", name="reused", value="true")


def _suite_of(result: PolicyResult) -> str:
    return f"{result.image} ({result.platform or 'Dockerfile'})"


def _add_suite(root: ET.Element, name: str, results: Iterable[PolicyResult]) -> None:
    cases = tuple(results)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(sum(case.failed for case in cases)),
        errors="0",
        skipped=str(sum(case.outcome is PolicyOutcome.SKIPPED for case in cases)),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for result in cases:
        _add_case(suite, name, result)


def _add_case(suite: ET.Element, name: str, result: PolicyResult) -> None:
    # Several places can break one rule: the place tells them apart.
    where = (
        f" {result.where}" if result.where and result.outcome is not PolicyOutcome.PASSED else ""
    )
    case = ET.SubElement(
        suite,
        "testcase",
        classname=clean(f"policy.{name}"),
        name=clean(f"{result.rule}{where}"),
        time=f"{result.seconds:.3f}",
    )
    message, output = clean(result.message), clean(result.output)
    match result.outcome:
        case PolicyOutcome.FAILED:
            failure = ET.SubElement(case, "failure", message=message, type=result.rule)
            lines = [message, output, f"next: {result.next_step}" if result.next_step else ""]
            failure.text = "\n".join(line for line in lines if line)
            return
        case PolicyOutcome.SKIPPED:
            ET.SubElement(case, "skipped", message=message)
        case PolicyOutcome.WARNED:
            output = "\n".join([f"warning: {message}", output]).strip()
        case PolicyOutcome.PASSED:
            pass
    if output:
        ET.SubElement(case, "system-out").text = output


def clean(text: str) -> str:
    """Return a text that XML can hold, secrets masked."""
    return redact(text).translate(_CONTROL)
