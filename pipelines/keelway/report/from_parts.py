"""The values of the model again, from what `report.json` keeps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.faults import FaultResult
from keelway.model.load import LoadMeasure, LoadRegression, LoadReport, LoadThreshold
from keelway.model.platform import Platform
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.model.tests import CaseResult, CaseStatus, ServiceResult, SuiteResult, TestResults
from keelway.model.tool import ToolVersion

if TYPE_CHECKING:
    from keelway.report.load_part import LoadPart
    from keelway.report.policy_part import PolicyPart, RulePart
    from keelway.report.tests_part import SuitePart, TestsPart


def policy_report(part: PolicyPart) -> PolicyReport:
    """Return what the policy found."""
    return PolicyReport(results=tuple(_rule(rule) for rule in part.results), notes=part.notes)


def _rule(rule: RulePart) -> PolicyResult:
    return PolicyResult(
        rule=rule.rule,
        outcome=PolicyOutcome(rule.outcome),
        image=rule.image,
        platform=_platform(rule.platform),
        message=rule.message,
        where=rule.where,
        next_step=rule.next_step,
        seconds=rule.seconds,
        output=rule.output,
    )


def test_results(part: TestsPart) -> TestResults:
    """Return what the test suites said."""
    return TestResults(suites=tuple(_suite(suite) for suite in part.suites), notes=part.notes)


def _suite(suite: SuitePart) -> SuiteResult:
    return SuiteResult(
        name=suite.name,
        platform=_platform(suite.platform),
        images=suite.images,
        cases=tuple(
            CaseResult(
                name=case.name,
                classname=case.classname,
                seconds=case.seconds,
                status=CaseStatus(case.status),
                message=case.message,
                output=case.output,
            )
            for case in suite.cases
        ),
        services=tuple(ServiceResult(**service.model_dump()) for service in suite.services),
        faults=tuple(FaultResult(**fault.model_dump()) for fault in suite.faults),
        code=suite.code,
        seconds=suite.seconds,
        log=suite.log,
        tail=suite.tail,
        ran_at=suite.ran_at,
        reused=suite.reused,
    )


def load_report(part: LoadPart) -> LoadReport:
    """Return how the services answered under load."""
    return LoadReport(
        script=part.script,
        target=part.target,
        measure=LoadMeasure(**part.measure.model_dump()),
        thresholds=tuple(LoadThreshold(**one.model_dump()) for one in part.thresholds),
        tool=ToolVersion(**part.tool.model_dump()),
        summary=part.summary,
        log=part.log,
        regressions=tuple(LoadRegression(**one.model_dump()) for one in part.regressions),
        released=None if part.released is None else LoadMeasure(**part.released.model_dump()),
        marked=part.marked,
        notes=part.notes,
        ran_at=part.ran_at,
        reused=part.reused,
    )


def _platform(text: str | None) -> Platform | None:
    return None if text is None else Platform(text)
