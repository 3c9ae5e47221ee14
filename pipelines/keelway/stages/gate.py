"""Judge what was found: the one place where a release is refused.

Example:
    >>> GateSpec(fail_on=Severity.CRITICAL).rule()
    'critical findings of kind misconfiguration, secret, vulnerability'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._stage import Run, stage
from keelway.errors import GateError
from keelway.model.findings import Findings, Kind, Severity
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.image import Images
    from keelway.model.sbom import Sboms
    from keelway.model.verdict import Verdict, Verified

JUDGED = frozenset({Kind.VULNERABILITY, Kind.MISCONFIGURATION, Kind.SECRET})
"""Licences are listed, not judged: by Trivy's own measure every Debian image is `high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """What is refused."""

    fail_on: Severity | None = Severity.HIGH
    """Findings this bad or worse; nothing at all when `None`."""
    kinds: frozenset[Kind] = JUDGED

    def rule(self) -> str:
        """Return what is refused, in words."""
        if self.fail_on is None:
            return "nothing"
        label = self.fail_on.label
        worse = label if self.fail_on is Severity.CRITICAL else f"{label} or worse"
        return f"{worse} findings of kind {', '.join(sorted(self.kinds))}"


def plan_gate(config: Config, facts: Facts) -> GateSpec:  # noqa: ARG001 - every plan_* is called alike
    """Return what is refused."""
    fail_on = config.scan.fail_on
    return GateSpec(fail_on=None if fail_on == "never" else Severity.parse(fail_on))


def judge(spec: GateSpec, findings: Findings | Skipped) -> Verdict:
    """Return the verdict: each finding is compared with the rule, worst first."""
    from keelway.model.verdict import Breach, Verdict  # noqa: PLC0415 - not for a plan

    if isinstance(findings, Skipped):
        reason = f"no findings: the scan was skipped ({findings.reason})"
        return Verdict(rule=spec.rule(), breaches=(), not_judged=(reason,))
    breaches = [
        Breach(image=target.image, platform=target.platform, finding=finding)
        for target in findings.targets
        for finding in target.findings
        if spec.fail_on is not None
        and finding.kind in spec.kinds
        and finding.severity >= spec.fail_on
    ]
    listed = [f"{kind} findings: they are listed only" for kind in sorted(set(Kind) - spec.kinds)]
    return Verdict(
        rule=spec.rule(),
        breaches=tuple(sorted(breaches, key=lambda breach: -breach.finding.severity)),
        not_judged=(*findings.notes, *listed),
    )


@stage("gate")
async def gate(
    run: Run,
    spec: GateSpec,
    images: Images,
    findings: Findings | Skipped,
    sboms: Sboms | Skipped,
) -> Verified:
    """Return the proof that the images may be published.

    Raises:
        GateError: The verdict is no; the error carries it.
    """
    from keelway.model.verdict import Verified  # noqa: PLC0415 - not for a plan

    verdict = judge(spec, findings)
    if not verdict.passed:
        number = len(verdict.breaches)
        raise GateError(
            f"the gate refuses the release: {number} {'thing' if number == 1 else 'things'} "
            f"must be fixed first (it refuses {verdict.rule})",
            verdict=verdict,
            next_step="fix what is named above and build again; the full scan reports are kept "
            "in the report directory",
        )
    judged = not isinstance(findings, Skipped)
    why = f"there are no {verdict.rule}" if judged else "there was nothing to judge"
    run.say("gate", f"passed: {why}")
    return Verified(images=images, findings=findings, sboms=sboms, verdict=verdict)
