"""What the policy and the tests said (in-toto test result, v0.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.model.policy import PolicyOutcome
from keelway.model.tests import CaseStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from keelway.model.policy import PolicyResult
    from keelway.model.tests import SuiteResult

_OUTCOMES = {
    CaseStatus.PASSED: PolicyOutcome.PASSED,
    CaseStatus.FAILED: PolicyOutcome.FAILED,
    CaseStatus.ERROR: PolicyOutcome.FAILED,
    CaseStatus.SKIPPED: PolicyOutcome.SKIPPED,
}


def tested(
    results: Iterable[PolicyResult], suites: Collection[SuiteResult] = (), *, configuration: str
) -> dict[str, Any]:
    """Return the predicate: `PASSED`, `WARNED` or `FAILED`, and rules and tests by outcome.

    Args:
        results: Rules that were held against the image; skipped ones are left out.
        suites: Test suites that the image took part in; skipped tests are left out. When each
            of them ran is stated too: it may be long before the statement is made.
        configuration: SHA-256 of what decided the rules, in hexadecimal.
    """
    by_outcome: dict[PolicyOutcome, list[str]] = {outcome: [] for outcome in PolicyOutcome}
    for result in results:
        by_outcome[result.outcome].append(f"policy/{result.rule}")
    for suite in suites:
        for case in suite.cases:
            by_outcome[_OUTCOMES[case.status]].append(f"{suite.name}/{case.label}")
    rules: dict[str, Any] = {"name": "keelway policy", "digest": {"sha256": configuration}}
    if ran := {suite.name: _moment(suite.ran_at) for suite in suites if suite.ran_at}:
        rules["annotations"] = {"ranAt": ran}
    failed, warned = by_outcome[PolicyOutcome.FAILED], by_outcome[PolicyOutcome.WARNED]
    return {
        "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
        "configuration": [rules],
        "passedTests": sorted(by_outcome[PolicyOutcome.PASSED]),
        "warnedTests": sorted(warned),
        "failedTests": sorted(failed),
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
