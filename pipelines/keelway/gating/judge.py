"""The verdict: each thing that was found is held against the rule, worst first."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from keelway.gating.load import against_load
from keelway.gating.matching import Thing, covers
from keelway.model.exemption import VexStatus
from keelway.model.findings import Finding, Findings, Kind, Severity
from keelway.model.load import LoadReport
from keelway.model.outcome import Skipped
from keelway.model.tests import FailedTest
from keelway.model.verdict import Breach, Condition, Excepted, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from keelway.gating.rule import GateSpec
    from keelway.model.exemption import Exemption
    from keelway.model.findings import ImageFindings
    from keelway.model.policy import PolicyReport
    from keelway.model.tests import TestResults

_HARMLESS = frozenset({VexStatus.NOT_AFFECTED, VexStatus.FIXED})


def judge(
    spec: GateSpec,
    policy: PolicyReport | Skipped,
    findings: Findings | Skipped,
    tests: TestResults | Skipped | None = None,
    load: LoadReport | Skipped | None = None,
    *,
    today: date,
) -> Verdict:
    """Return the verdict.

    Args:
        spec: What is refused, and what is excepted.
        policy: What the policy found.
        findings: What the scanners found.
        tests: What the test suites said; nothing for somebody who has none to give.
        load: How the services answered under load; nothing where nobody asked for a load test.
        today: The day by which exceptions, grace and the database's age are counted.
    """
    bench = _Bench(spec, today)
    not_judged: list[str] = []
    if isinstance(findings, Skipped):
        not_judged.append(f"no findings: the scan was skipped ({findings.reason})")
    else:
        for target in findings.targets:
            bench.hear(_against(spec, target, today))
        not_judged += findings.notes
        listed = [kind for kind in sorted(Kind) if kind not in spec.kinds]
        if not spec.licenses.empty:
            listed = [kind for kind in listed if kind is not Kind.LICENSE]
        not_judged += [f"{kind} findings: they are listed only" for kind in listed]
    if isinstance(policy, Skipped):
        not_judged.append(f"no policy results: the policy was skipped ({policy.reason})")
    else:
        bench.hear(_broken_rules(policy))
        not_judged += (*policy.not_looked_at(), *policy.notes)
    if tests is not None:
        not_judged += bench.hear_tests(tests)
    if isinstance(load, LoadReport):
        bench.hear(against_load(load))
    return bench.verdict(not_judged)


class _Bench:
    """Hears what speaks against a release, and knows the exceptions."""

    def __init__(self, spec: GateSpec, today: date) -> None:
        self._spec = spec
        self._today = today
        self._breaches: list[Breach] = []
        self._excepted: list[Excepted] = []
        self._used: set[Exemption] = set()

    def hear(self, against: Iterator[Breach]) -> None:
        """Decide of each breach whether an exception covers it."""
        for breach in against:
            thing = _thing(breach)
            covering = [one for one in self._spec.exemptions if covers(one, thing)]
            self._used.update(covering)
            holding = next((one for one in covering if self._objection(one) is None), None)
            if holding is None:
                self._breaches.append(breach)
                continue
            self._excepted.append(
                Excepted(
                    image=breach.image,
                    platform=breach.platform,
                    what=breach.what,
                    exemption=holding,
                )
            )

    def hear_tests(self, tests: TestResults | Skipped) -> list[str]:
        """Decide of each failed test; return what was not judged."""
        if isinstance(tests, Skipped):
            return [f"no tests: the integration stage was skipped ({tests.reason})"]
        if not self._spec.tests:
            return ["failed tests: they are listed only"]
        self.hear(_failed_tests(tests))
        return []

    def verdict(self, not_judged: list[str]) -> Verdict:
        """Return what was decided."""
        unused = [one for one in self._spec.exemptions if one not in self._used]
        warnings = [
            f"{one.origin or one.id}: the exception for {one.id} {objection}"
            for one in self._spec.exemptions
            if one in self._used and (objection := self._objection(one)) is not None
        ]
        idle = [f"{one.origin or one.id}: the exception for {one.id} is not used" for one in unused]
        if self._spec.strict_exceptions:
            self._breaches += [
                Breach(
                    image="all images",
                    platform=None,
                    what=Condition(id="unused-exception", text=text),
                    because="strict_exceptions",
                )
                for text in idle
            ]
        else:
            warnings += idle
        return Verdict(
            rule=self._spec.rule(),
            breaches=tuple(sorted(self._breaches, key=_badness)),
            not_judged=tuple(dict.fromkeys(not_judged)),
            excepted=tuple(self._excepted),
            warnings=tuple(warnings),
        )

    def _objection(self, one: Exemption) -> str | None:
        """Return why an exception does not hold; nothing when it does."""
        if one.expired(self._today):
            return f"ended on {one.expires}: what it covered counts again"
        latest = self._today + timedelta(days=self._spec.max_exception_days)
        if one.expires > latest:
            return f"does not hold: it ends on {one.expires}, later than {latest} is not allowed"
        return None


def _against(spec: GateSpec, target: ImageFindings, today: date) -> Iterator[Breach]:
    """Yield what speaks against one image for one platform."""
    for finding in target.findings:
        because = reason_against(spec, finding, today)
        if because is not None:
            yield Breach(
                image=target.image, platform=target.platform, what=finding, because=because
            )
    for condition in _conditions(spec, target, today):
        yield Breach(
            image=target.image, platform=target.platform, what=condition, because=condition.id
        )


def reason_against(spec: GateSpec, finding: Finding, today: date) -> str | None:
    """Return the part of the rule that a finding breaks; nothing when it may pass.

    What is known to be exploited, or likely to be, is refused whatever its severity, fix and age.
    """
    if finding.vex in _HARMLESS:
        return None
    if finding.kind is Kind.LICENSE and not spec.licenses.empty:
        return None if _licence_passes(spec, finding.id) else "license"
    if finding.kind is Kind.VULNERABILITY:
        threat = _threat(spec, finding)
        if threat is not None or _may_wait(spec, finding, today):
            return threat
    bad = spec.severity is not None and finding.severity >= spec.severity
    return "severity" if bad and finding.kind in spec.kinds else None


def _threat(spec: GateSpec, finding: Finding) -> str | None:
    if spec.kev and finding.known_exploited:
        return "kev"
    likely = spec.epss is not None and finding.epss is not None and finding.epss >= spec.epss
    return "epss" if likely else None


def _may_wait(spec: GateSpec, finding: Finding, today: date) -> bool:
    """Return whether a vulnerability has no fix that is asked for, or is too new to judge."""
    return (spec.only_fixable and not finding.fixed_in) or _in_grace(spec, finding, today)


def _in_grace(spec: GateSpec, finding: Finding, today: date) -> bool:
    if finding.published is None:
        return False
    return today < finding.published + timedelta(days=spec.grace_days)


def _licence_passes(spec: GateSpec, licence: str) -> bool:
    rule = spec.licenses
    if any(fnmatchcase(licence, pattern) for pattern in rule.denied):
        return False
    return not rule.allowed or any(fnmatchcase(licence, pattern) for pattern in rule.allowed)


def _conditions(spec: GateSpec, target: ImageFindings, today: date) -> Iterator[Condition]:
    os = target.os
    if spec.end_of_life and os is not None and os.end_of_life:
        text = f"{os.family} {os.version} gets no security updates any more"
        yield Condition(id="end-of-life", text=text)
    limit = spec.max_database_age_days
    used = [(target.tool, target.database)]
    used += [(second.tool, second.database) for second in target.second_opinions]
    for tool, database in used:
        built = None if database is None else database.built_at
        if built is not None and limit is not None and (today - built.date()).days > limit:
            age = (today - built.date()).days
            text = f"{tool.name}'s database is {age} days old, {limit} are allowed"
            yield Condition(id="database-age", text=text)


def _broken_rules(policy: PolicyReport) -> Iterator[Breach]:
    for result in policy.failures():
        yield Breach(image=result.image, platform=result.platform, what=result, because="policy")


def _failed_tests(tests: TestResults) -> Iterator[Breach]:
    for failed in tests.failures():
        yield Breach(image=failed.suite, platform=failed.platform, what=failed, because="tests")


def _thing(breach: Breach) -> Thing:
    found = breach.what
    purl = found.purl if isinstance(found, Finding) else None
    path = None if isinstance(found, FailedTest) else found.where
    return Thing(id=breach.id, image=breach.image, platform=breach.platform, purl=purl, path=path)


def _badness(breach: Breach) -> tuple[int, str, str]:
    """Conditions and rules first, then findings, worst first."""
    found = breach.what
    severity = found.severity if isinstance(found, Finding) else Severity.CRITICAL + 1
    return (-severity, breach.image, breach.id)
