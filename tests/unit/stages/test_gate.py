"""The gate's truth table, and how it tells its answer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from keelway.errors import GateError
from keelway.gating.judge import judge
from keelway.gating.rule import GateSpec, LicenseRule
from keelway.model.exemption import Exemption, Scope, VexStatus
from keelway.model.findings import Database, Kind, OperatingSystem, Severity
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.model.tests import CaseResult, CaseStatus, SuiteResult, TestResults
from keelway.model.verdict import Breach, Verdict, Verified
from keelway.stages.gate import gate
from tests.support.built import built, findings, found

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.observing import Listener

# Which thresholds let a finding of a severity pass; every other pair is refused.
PASSES = {
    Severity.UNKNOWN: {"low", "medium", "high", "critical", "never"},
    Severity.LOW: {"medium", "high", "critical", "never"},
    Severity.MEDIUM: {"high", "critical", "never"},
    Severity.HIGH: {"critical", "never"},
    Severity.CRITICAL: {"never"},
}
TODAY = date(2026, 3, 1)
NO_POLICY = Skipped("policy.enabled is false")
NO_RULES = PolicyReport(results=())
THRESHOLDS = {name: Severity.parse(name) for name in ("low", "medium", "high", "critical")}


@pytest.mark.parametrize(
    ("severity", "threshold", "kind"),
    list(itertools.product(Severity, [*THRESHOLDS, "never"], Kind)),
)
def test_truth_table(severity: Severity, threshold: str, kind: Kind) -> None:
    spec = GateSpec(severity=THRESHOLDS.get(threshold), kinds=frozenset(Kind))
    verdict = judge(spec, NO_POLICY, findings(found(kind, severity)), today=TODAY)
    assert verdict.passed is (threshold in PASSES[severity])


@pytest.mark.parametrize("kind", Kind)
def test_licences_are_listed_and_not_judged_unless_asked_for(kind: Kind) -> None:
    verdict = judge(GateSpec(), NO_RULES, findings(found(kind, Severity.CRITICAL)), today=TODAY)
    assert verdict.passed is (kind is Kind.LICENSE)
    assert verdict.not_judged == ("license findings: they are listed only",)


def test_nothing_found_passes() -> None:
    assert judge(GateSpec(severity=Severity.LOW), NO_RULES, findings(), today=TODAY).passed


def test_what_was_not_looked_at_is_said() -> None:
    verdict = judge(
        GateSpec(), NO_RULES, findings(notes=("no vulnerability database",)), today=TODAY
    )
    assert verdict.not_judged[0] == "no vulnerability database"


def test_a_skipped_scan_passes_and_says_so() -> None:
    verdict = judge(GateSpec(), NO_RULES, Skipped("scan.enabled is false"), today=TODAY)
    assert verdict.passed
    assert verdict.not_judged == ("no findings: the scan was skipped (scan.enabled is false)",)


def test_breaches_come_worst_first() -> None:
    high, critical = found(Kind.SECRET, Severity.HIGH), found(Kind.SECRET, Severity.CRITICAL)
    verdict = judge(GateSpec(), NO_RULES, findings(high, critical), today=TODAY)
    assert [breach.what for breach in verdict.breaches] == [critical, high]


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        (GateSpec(severity=None, kev=False, tests=False), "nothing"),
        (
            GateSpec(severity=Severity.MEDIUM, kinds=frozenset({Kind.SECRET}), kev=False),
            "medium or worse findings of kind secret; failed tests",
        ),
    ],
)
def test_the_rule_in_words(spec: GateSpec, rule: str) -> None:
    assert spec.rule() == rule


async def test_yes_gives_the_proof(run: Run, heard: Listener) -> None:
    images = built(run, "orders")
    proof = await gate(run, GateSpec(), images, NO_RULES, findings(), Skipped("no"))
    assert proof.images is images
    assert heard.notes() == [f"passed: there are no {GateSpec().rule()}"]


async def test_nothing_to_judge_is_not_called_clean(run: Run, heard: Listener) -> None:
    await gate(run, GateSpec(), built(run, "orders"), NO_POLICY, Skipped("no scan"), Skipped("no"))
    assert heard.notes() == ["passed: there was nothing to judge"]


async def test_no_names_every_breach_and_carries_the_verdict(run: Run) -> None:
    some = findings(found(Kind.SECRET, Severity.CRITICAL, "aws-key"))
    with pytest.raises(GateError) as raised:
        await gate(run, GateSpec(), built(run, "orders"), NO_RULES, some, Skipped("no"))
    error = raised.value
    assert error.exit_code == 6
    assert error.verdict == judge(GateSpec(), NO_RULES, some, today=run.clock.now().date())
    line = "refused: critical secret aws-key (/etc/thing; orders linux/amd64)"
    assert line in error.diagnostics()


async def test_nobody_can_write_the_proof_for_a_no(run: Run) -> None:
    breach = Breach(
        image="a", platform=AMD64, what=found(Kind.SECRET, Severity.HIGH), because="severity"
    )
    with pytest.raises(ValueError, match="proves nothing"):
        Verified(
            images=built(run, "a"),
            policy=Skipped("no"),
            findings=Skipped("no"),
            sboms=Skipped("no"),
            verdict=Verdict(rule="high", breaches=(breach,)),
        )


def _expected(
    severity: Severity, *, fixed: bool, epss: bool, kev: bool, excepted: str, vex: bool
) -> bool:
    """The table in words: what passes."""
    if vex or excepted == "holds":
        return True
    if kev or epss:
        return False
    return severity < Severity.HIGH or not fixed


COLUMNS = list(
    itertools.product(
        (Severity.LOW, Severity.HIGH, Severity.CRITICAL),
        (True, False),
        (True, False),
        (True, False),
        ("none", "holds", "ended", "too long", "elsewhere"),
        (True, False),
    )
)


@pytest.mark.parametrize(("severity", "fixed", "epss", "kev", "excepted", "vex"), COLUMNS)
def test_severity_fix_epss_kev_exception_expiry_and_vex(
    severity: Severity,
    fixed: bool,
    epss: bool,
    kev: bool,
    excepted: str,
    vex: bool,
) -> None:
    finding = replace(
        found(Kind.VULNERABILITY, severity, "CVE-2024-0001"),
        fixed_in="2.0" if fixed else None,
        epss=0.5 if epss else 0.01,
        known_exploited=kev,
        vex=VexStatus.NOT_AFFECTED if vex else None,
    )
    ends = {"ended": -1, "too long": 400}.get(excepted, 0)
    exemption = Exemption(
        id="CVE-2024-0001",
        reason="not reachable",
        owner="platform",
        expires=TODAY + timedelta(days=ends),
        scope=Scope(image="another" if excepted == "elsewhere" else "orders"),
    )
    spec = GateSpec(
        only_fixable=True, epss=0.5, exemptions=() if excepted == "none" else (exemption,)
    )
    verdict = judge(spec, NO_RULES, findings(finding), today=TODAY)
    passes = _expected(severity, fixed=fixed, epss=epss, kev=kev, excepted=excepted, vex=vex)
    assert verdict.passed is passes
    would_stop = not _expected(severity, fixed=fixed, epss=epss, kev=kev, excepted="none", vex=vex)
    assert bool(verdict.excepted) is (excepted == "holds" and would_stop)


@pytest.mark.parametrize(("age", "passes"), [(0, True), (13, True), (14, False), (100, False)])
def test_a_new_vulnerability_has_its_days_of_grace(age: int, passes: bool) -> None:
    finding = replace(
        found(Kind.VULNERABILITY, Severity.CRITICAL), published=TODAY - timedelta(days=age)
    )
    verdict = judge(GateSpec(grace_days=14), NO_RULES, findings(finding), today=TODAY)
    assert verdict.passed is passes


def test_what_is_exploited_has_no_grace() -> None:
    finding = replace(
        found(Kind.VULNERABILITY, Severity.LOW), published=TODAY, known_exploited=True
    )
    verdict = judge(GateSpec(grace_days=14), NO_RULES, findings(finding), today=TODAY)
    assert [breach.because for breach in verdict.breaches] == ["kev"]


@pytest.mark.parametrize(
    ("licence", "passes"), [("MIT", True), ("GPL-3.0-only", False), ("Proprietary", False)]
)
def test_licences_are_judged_once_there_is_a_rule(licence: str, passes: bool) -> None:
    spec = GateSpec(licenses=LicenseRule(allowed=("MIT", "GPL-*"), denied=("GPL-3.0*",)))
    some = findings(found(Kind.LICENSE, Severity.LOW, licence))
    assert judge(spec, NO_RULES, some, today=TODAY).passed is passes


def test_an_operating_system_at_its_end_and_an_old_database_are_refused() -> None:
    some = findings()
    target = replace(
        some.targets[0],
        os=OperatingSystem(family="debian", version="9", end_of_life=True),
        database=Database(built_at=datetime(2026, 2, 1, tzinfo=UTC), source="mirror"),
    )
    verdict = judge(GateSpec(), NO_RULES, replace(some, targets=(target,)), today=TODAY)
    assert [breach.id for breach in verdict.breaches] == ["database-age", "end-of-life"]
    lenient = GateSpec(end_of_life=False, max_database_age_days=28)
    assert judge(lenient, NO_RULES, replace(some, targets=(target,)), today=TODAY).passed


def _rule(outcome: PolicyOutcome) -> PolicyReport:
    result = PolicyResult(
        rule="user-not-root", outcome=outcome, image="orders", platform=None, message="it is root",
        where="Dockerfile:7",
    )  # fmt: skip
    return PolicyReport(results=(result,))


@pytest.mark.parametrize("outcome", PolicyOutcome)
def test_a_rule_that_failed_is_refused_a_warning_is_not(outcome: PolicyOutcome) -> None:
    verdict = judge(GateSpec(), _rule(outcome), findings(), today=TODAY)
    assert verdict.passed is (outcome is not PolicyOutcome.FAILED)


def test_what_the_policy_could_not_look_at_passes_and_says_so() -> None:
    results = tuple(
        PolicyResult(
            rule="starts", outcome=PolicyOutcome.SKIPPED, image="orders", platform=platform,
            message="not looked at: busybox is not installed",
        )
        for platform in (AMD64, ARM64)
    )  # fmt: skip
    verdict = judge(GateSpec(), PolicyReport(results=results), findings(), today=TODAY)
    assert verdict.passed
    assert (
        "policy starts of orders linux/amd64, orders linux/arm64: not looked at: "
        "busybox is not installed"
    ) in verdict.not_judged


def test_one_exceptions_list_serves_the_policy_too() -> None:
    exemption = Exemption(id="user-not-root", reason="legacy", owner="shop", expires=TODAY)
    spec = GateSpec(exemptions=(exemption,))
    verdict = judge(spec, _rule(PolicyOutcome.FAILED), findings(), today=TODAY)
    assert verdict.passed
    assert verdict.excepted[0].exemption is exemption


def test_exceptions_that_match_nothing_or_ended_are_told() -> None:
    unused = Exemption(id="CVE-1", reason="r", owner="o", expires=TODAY, origin="exceptions:2")
    spec = GateSpec(exemptions=(unused,))
    verdict = judge(spec, NO_RULES, findings(), today=TODAY)
    assert verdict.warnings == ("exceptions:2: the exception for CVE-1 is not used",)
    assert verdict.passed
    strict = judge(replace(spec, strict_exceptions=True), NO_RULES, findings(), today=TODAY)
    assert [breach.id for breach in strict.breaches] == ["unused-exception"]
    ended = replace(unused, expires=TODAY - timedelta(days=1))
    some = findings(found(Kind.VULNERABILITY, Severity.CRITICAL, "CVE-1"))
    verdict = judge(GateSpec(exemptions=(ended,)), NO_RULES, some, today=TODAY)
    assert not verdict.passed
    assert "ended on 2026-02-28" in verdict.warnings[0]


def suite_of(*cases: CaseResult) -> TestResults:
    """Return one suite with these cases."""
    return TestResults(suites=(SuiteResult(name="api", platform=None, cases=cases),))


@pytest.mark.parametrize(
    ("spec", "status", "passed"),
    [
        (GateSpec(), CaseStatus.PASSED, True),
        (GateSpec(), CaseStatus.SKIPPED, True),
        (GateSpec(), CaseStatus.FAILED, False),
        (GateSpec(), CaseStatus.ERROR, False),
        (GateSpec(severity=None, kev=False), CaseStatus.FAILED, False),
        (GateSpec(tests=False), CaseStatus.FAILED, True),
    ],
)
def test_a_failed_test_is_refused_unless_tests_are_only_listed(
    spec: GateSpec, status: CaseStatus, *, passed: bool
) -> None:
    case = CaseResult(name="test_get", classname="orders", status=status, message="404\nbody")
    verdict = judge(spec, NO_RULES, findings(), suite_of(case), today=TODAY)
    assert verdict.passed is passed
    if not passed:
        (breach,) = verdict.breaches
        assert (breach.id, breach.because) == ("api/orders.test_get", "tests")
        assert str(breach) == "test api/orders.test_get: 404 (api)"


def test_an_exception_covers_one_test() -> None:
    cases = [
        CaseResult(name=name, status=CaseStatus.FAILED, message="no") for name in ("one", "two")
    ]
    known = Exemption(id="api/one", reason="r", owner="o", expires=TODAY)
    verdict = judge(
        GateSpec(exemptions=(known,)), NO_RULES, findings(), suite_of(*cases), today=TODAY
    )
    assert [breach.id for breach in verdict.breaches] == ["api/two"]
    assert [excepted.what for excepted in verdict.excepted] == [suite_of(*cases).failures()[0]]


def test_skipped_tests_are_told() -> None:
    verdict = judge(GateSpec(), NO_RULES, findings(), Skipped("no suite"), today=TODAY)
    assert "no tests: the integration stage was skipped (no suite)" in verdict.not_judged
