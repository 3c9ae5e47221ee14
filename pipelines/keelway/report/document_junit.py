"""One JUnit file of a whole run, from `report.json` alone: policy, tests, load test and gate."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from keelway.report.from_parts import load_report, policy_report, test_results
from keelway.report.junit import clean, junit_text, policy_suites
from keelway.report.load_junit import load_suites
from keelway.report.tests_files import test_suites

if TYPE_CHECKING:
    from keelway.report.document import ReportDocument, VerdictPart

DOCUMENT_JUNIT_FILE = "report.junit.xml"


def document_junit(report: ReportDocument) -> str:
    """Return everything that passed or failed as JUnit's XML; what stopped the run is an error."""
    root = ET.Element("testsuites", name=clean(f"keelway {report.project}"))
    if report.policy is not None:
        root.extend(policy_suites(policy_report(report.policy)))
    if report.tests is not None:
        root.extend(test_suites(test_results(report.tests)))
    if report.load is not None:
        root.extend(load_suites(load_report(report.load)))
    if report.verdict is not None:
        root.append(_gate(report.verdict))
    if report.error is not None and report.outcome != "refused":
        root.append(_broken(report))
    return junit_text(root)


def _gate(verdict: VerdictPart) -> ET.Element:
    suite = _suite("gate", max(len(verdict.breaches), 1), failures=len(verdict.breaches))
    if not verdict.breaches:
        ET.SubElement(suite, "testcase", classname="gate", name="the gate", time="0.000")
    for breach in verdict.breaches:
        where = " ".join(filter(None, (breach.image, breach.platform)))
        name = clean(f"{breach.id} in {where}")
        case = ET.SubElement(suite, "testcase", classname="gate", name=name, time="0.000")
        message = clean(breach.text)
        ET.SubElement(case, "failure", message=message, type=clean(breach.because)).text = message
    return suite


def _broken(report: ReportDocument) -> ET.Element:
    suite = _suite("run", 1, errors=1)
    case = ET.SubElement(suite, "testcase", classname="run", name="the run", time="0.000")
    if report.error is not None:
        told = {"message": clean(report.error.message), "type": clean(report.error.type)}
        ET.SubElement(case, "error", told).text = clean(report.error.diagnostics)
    return suite


def _suite(name: str, tests: int, *, failures: int = 0, errors: int = 0) -> ET.Element:
    return ET.Element(
        "testsuite",
        name=name,
        tests=str(tests),
        failures=str(failures),
        errors=str(errors),
        skipped="0",
        time="0.000",
    )
