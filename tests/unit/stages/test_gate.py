"""The gate's truth table: severity x threshold x kind."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from keelway.errors import GateError
from keelway.model.findings import Kind, Severity
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64
from keelway.model.verdict import Breach, Verdict, Verified
from keelway.stages.gate import GateSpec, gate, judge
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
THRESHOLDS = {name: Severity.parse(name) for name in ("low", "medium", "high", "critical")}


@pytest.mark.parametrize(
    ("severity", "threshold", "kind"),
    list(itertools.product(Severity, [*THRESHOLDS, "never"], Kind)),
)
def test_truth_table(severity: Severity, threshold: str, kind: Kind) -> None:
    spec = GateSpec(fail_on=THRESHOLDS.get(threshold), kinds=frozenset(Kind))
    verdict = judge(spec, findings(found(kind, severity)))
    assert verdict.passed is (threshold in PASSES[severity])


@pytest.mark.parametrize("kind", Kind)
def test_licences_are_listed_and_not_judged_unless_asked_for(kind: Kind) -> None:
    verdict = judge(GateSpec(), findings(found(kind, Severity.CRITICAL)))
    assert verdict.passed is (kind is Kind.LICENSE)
    assert verdict.not_judged == ("license findings: they are listed only",)


def test_nothing_found_passes() -> None:
    assert judge(GateSpec(fail_on=Severity.LOW), findings()).passed


def test_what_was_not_looked_at_is_said() -> None:
    verdict = judge(GateSpec(), findings(notes=("no vulnerability database",)))
    assert verdict.not_judged[0] == "no vulnerability database"


def test_a_skipped_scan_passes_and_says_so() -> None:
    verdict = judge(GateSpec(), Skipped("scan.enabled is false"))
    assert verdict.passed
    assert verdict.not_judged == ("no findings: the scan was skipped (scan.enabled is false)",)


def test_breaches_come_worst_first() -> None:
    high, critical = found(Kind.SECRET, Severity.HIGH), found(Kind.SECRET, Severity.CRITICAL)
    verdict = judge(GateSpec(), findings(high, critical))
    assert [breach.finding for breach in verdict.breaches] == [critical, high]


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        (GateSpec(fail_on=None), "nothing"),
        (
            GateSpec(fail_on=Severity.MEDIUM, kinds=frozenset({Kind.SECRET})),
            "medium or worse findings of kind secret",
        ),
    ],
)
def test_the_rule_in_words(spec: GateSpec, rule: str) -> None:
    assert spec.rule() == rule


async def test_yes_gives_the_proof(run: Run, heard: Listener) -> None:
    images = built(run, "orders")
    proof = await gate(run, GateSpec(), images, findings(), Skipped("no"))
    assert proof.images is images
    assert heard.notes() == [f"passed: there are no {GateSpec().rule()}"]


async def test_nothing_to_judge_is_not_called_clean(run: Run, heard: Listener) -> None:
    await gate(run, GateSpec(), built(run, "orders"), Skipped("no scan"), Skipped("no"))
    assert heard.notes() == ["passed: there was nothing to judge"]


async def test_no_names_every_breach_and_carries_the_verdict(run: Run) -> None:
    some = findings(found(Kind.SECRET, Severity.CRITICAL, "aws-key"))
    with pytest.raises(GateError) as raised:
        await gate(run, GateSpec(), built(run, "orders"), some, Skipped("no"))
    error = raised.value
    assert error.exit_code == 6
    assert error.verdict == judge(GateSpec(), some)
    line = "refused: critical secret aws-key (/etc/thing; orders linux/amd64)"
    assert line in error.diagnostics()


async def test_nobody_can_write_the_proof_for_a_no(run: Run) -> None:
    breach = Breach(image="a", platform=AMD64, finding=found(Kind.SECRET, Severity.HIGH))
    with pytest.raises(ValueError, match="proves nothing"):
        Verified(
            images=built(run, "a"),
            findings=Skipped("no"),
            sboms=Skipped("no"),
            verdict=Verdict(rule="high", breaches=(breach,)),
        )
