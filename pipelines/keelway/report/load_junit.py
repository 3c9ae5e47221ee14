"""JUnit's XML of a load test: one suite, one case for each threshold and each comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from keelway.model.load import measure_text
from keelway.report.junit import clean, date, junit_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.load import LoadReport

LOAD_JUNIT_FILE = "load.junit.xml"


def load_junit(report: LoadReport) -> str:
    """Return the load test as JUnit's XML; a test without thresholds has the one case that it ran.

    The script's own checks cross no threshold by themselves: they are told, and fail no case.
    """
    return junit_text(load_suites(report))


def load_suites(report: LoadReport) -> ET.Element:
    """Return the same as an element that holds the suite."""
    cases = tuple(_cases(report))
    root = ET.Element("testsuites", name="keelway load")
    suite = ET.SubElement(
        root,
        "testsuite",
        name=clean(f"{report.script} ({report.target})"),
        tests=str(len(cases)),
        failures=str(sum(failure is not None for _, failure in cases)),
        errors="0",
        skipped="0",
        time=f"{report.seconds:.3f}",
    )
    date(suite, report.ran_at, reused=report.reused)
    classname = clean(f"load.{report.script}")
    for position, (name, failure) in enumerate(cases):
        # The test ran once, for all of them: its time is counted once.
        time = "0.000" if position else f"{report.seconds:.3f}"
        case = ET.SubElement(suite, "testcase", classname=classname, name=clean(name), time=time)
        if failure is not None:
            element = ET.SubElement(case, "failure", message=clean(failure), type="threshold")
            element.text = clean(f"{failure}\n{measure_text(report.measure)}")
    ET.SubElement(suite, "system-out").text = clean("\n".join(_told(report)))
    return root


def _cases(report: LoadReport) -> Iterator[tuple[str, str | None]]:
    """Yield each case and why it failed."""
    failed = "the script called the test failed" if report.marked else None
    yield "the test took place", failed
    for threshold in report.thresholds:
        failed = f"{threshold.text} was crossed" if threshold.crossed else None
        yield threshold.text, failed
    for one in report.regressions:
        yield f"{one.figure} against the last release", one.text if one.crossed else None


def _told(report: LoadReport) -> Iterator[str]:
    yield f"{measure_text(report.measure)}{report.reused_text}"
    checks = report.measure.checks_passed + report.measure.checks_failed
    if checks:
        yield f"{report.measure.checks_passed} of {checks} checks passed"
    if report.released is not None:
        yield f"the last release: {measure_text(report.released)}"
    yield from report.notes
