"""Judge what was found: the one place where a release is refused.

Everything that ran is judged by one rule: scanners' findings, the policy's results, failed tests,
the state of the operating system and of the database. An exception lets one thing pass until its
day; what no exception covers stops the release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._stage import Run, stage
from keelway.errors import GateError
from keelway.gating.rule import GateSpec, LicenseRule
from keelway.model.findings import Severity
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.findings import Findings
    from keelway.model.image import Images
    from keelway.model.load import LoadReport
    from keelway.model.policy import PolicyReport
    from keelway.model.sbom import Sboms
    from keelway.model.tests import TestResults
    from keelway.model.verdict import Verdict, Verified


def plan_gate(config: Config, facts: Facts) -> GateSpec:
    """Return what is refused."""
    gate = config.gate
    return GateSpec(
        severity=None if gate.severity == "never" else Severity.parse(gate.severity),
        only_fixable=gate.only_fixable,
        epss=gate.epss,
        kev=gate.kev,
        end_of_life=gate.end_of_life,
        max_database_age_days=gate.max_database_age_days,
        grace_days=gate.grace_days,
        tests=gate.tests,
        licenses=LicenseRule(allowed=gate.licenses.allowed, denied=gate.licenses.denied),
        exemptions=facts.exemptions,
        max_exception_days=gate.max_exception_days,
        strict_exceptions=gate.strict_exceptions,
    )


@stage("gate")
async def gate(  # noqa: PLR0913, PLR0917 - one argument for each stage that is judged
    run: Run,
    spec: GateSpec,
    images: Images,
    policy: PolicyReport | Skipped,
    findings: Findings | Skipped,
    sboms: Sboms | Skipped,
    tests: TestResults | Skipped | None = None,
    load: LoadReport | Skipped | None = None,
) -> Verified:
    """Return the proof that the images may be published.

    Args:
        run: The run.
        spec: What is refused.
        images: What was built.
        policy: What the policy found.
        findings: What the scanners found.
        sboms: What is in the images.
        tests: What the test suites said; nothing for somebody who has none to give.
        load: How the services answered under load; nothing where nobody asked for a load test.

    Raises:
        GateError: The verdict is no; the error carries it.
    """
    from keelway.gating.judge import judge  # noqa: PLC0415 - not for a plan
    from keelway.model.verdict import Verified  # noqa: PLC0415 - likewise

    verdict = judge(spec, policy, findings, tests, load, today=run.clock.now().date())
    for warning in verdict.warnings:
        run.say("gate", warning)
    if not verdict.passed:
        raise refusal(verdict)
    judged = not all(isinstance(part, Skipped | None) for part in (policy, findings, tests, load))
    why = f"there are no {verdict.rule}" if judged else "there was nothing to judge"
    excepted = len(verdict.excepted)
    but = f", {excepted} excepted" if excepted else ""
    run.say("gate", f"passed: {why}{but}")
    return Verified(
        images=images,
        policy=policy,
        findings=findings,
        sboms=sboms,
        tests=tests or Skipped("no tests were given"),
        load=load,
        verdict=verdict,
    )


def refusal(verdict: Verdict) -> GateError:
    """Return the error for a verdict that says no."""
    number = len(verdict.breaches)
    return GateError(
        f"the gate refuses the release: {number} {'thing' if number == 1 else 'things'} "
        f"must be fixed first (it refuses {verdict.rule})",
        verdict=verdict,
        next_step="fix what is named above and build again, or grant an exception with an owner "
        "and a last day; the full scan reports are kept in the report directory",
    )
