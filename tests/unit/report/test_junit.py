"""JUnit's XML of the policy."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from keelway.model.platform import AMD64, Platform
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.report.junit import policy_junit


def result(
    rule: str, outcome: PolicyOutcome, platform: Platform | None = AMD64, output: str = ""
) -> PolicyResult:
    return PolicyResult(
        rule=rule, outcome=outcome, image="orders", platform=platform, message=f"about {rule}",
        where="Dockerfile:3" if platform is None else None, seconds=1.5, output=output,
        next_step="mend it",
    )  # fmt: skip


REPORT = PolicyReport(
    results=(
        result("starts", PolicyOutcome.FAILED, output="\x1b[31mread-only\x00 <file system>"),
        result("no-package-manager", PolicyOutcome.WARNED),
        result("budget", PolicyOutcome.PASSED),
        result("hadolint", PolicyOutcome.SKIPPED, platform=None),
        result("no-latest", PolicyOutcome.FAILED, platform=None),
    )
)


def parsed(report: PolicyReport) -> ET.Element:
    return ET.fromstring(policy_junit(report))  # noqa: S314 - made here


def test_one_suite_an_image_and_platform() -> None:
    suites = {suite.get("name"): suite for suite in parsed(REPORT)}
    assert set(suites) == {"orders (Dockerfile)", "orders (linux/amd64)"}
    counts = {
        name: [suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")]
        for name, suite in suites.items()
    }
    assert counts == {
        "orders (Dockerfile)": ["2", "1", "0", "1", "3.000"],
        "orders (linux/amd64)": ["3", "1", "0", "0", "4.500"],
    }


def test_a_failure_carries_the_logs_and_stays_xml() -> None:
    root = parsed(REPORT)
    failure = root.find(".//testcase[@name='starts']/failure")
    assert failure is not None
    assert failure.get("message") == "about starts"
    assert "read-only\N{REPLACEMENT CHARACTER} <file system>" in str(failure.text)
    assert "next: mend it" in str(failure.text)


def test_a_place_tells_cases_apart() -> None:
    root = parsed(REPORT)
    assert root.find(".//testcase[@name='no-latest Dockerfile:3']/failure") is not None


def test_a_warning_passes_and_is_told() -> None:
    root = parsed(REPORT)
    case = root.find(".//testcase[@name='no-package-manager']")
    assert case is not None
    assert case.find("failure") is None
    assert case.findtext("system-out") == "warning: about no-package-manager"
