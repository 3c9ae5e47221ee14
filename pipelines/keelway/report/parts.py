"""The model's values in the form that `report.json` has them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from keelway.errors import redact, tail
from keelway.model.evidence import Signatures
from keelway.report.document import (
    BreachPart,
    BuiltPart,
    CountsPart,
    EvidencePart,
    ExceptedPart,
    FindingPart,
    Level,
    PublishedPart,
    ScanPart,
    SecondOpinionPart,
    SignedPart,
    TargetPart,
    VerdictPart,
)
from keelway.report.load_part import LoadMeasurePart, LoadPart, RegressionPart, ThresholdPart
from keelway.report.part import ToolPart
from keelway.report.tests_part import CasePart, FaultPart, ServicePart, SuitePart, TestsPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.model.evidence import Attestations, Evidence
    from keelway.model.findings import Finding, Findings, ImageFindings
    from keelway.model.image import Images
    from keelway.model.load import LoadMeasure, LoadReport
    from keelway.model.published import Published
    from keelway.model.tests import ServiceResult, SuiteResult, TestResults
    from keelway.model.tool import ToolVersion
    from keelway.model.verdict import Verdict


def images(built: Images | None) -> tuple[BuiltPart, ...] | None:
    """Return what was built."""
    if built is None:
        return None
    return tuple(
        BuiltPart(name=name, platforms=tuple(variant.platform for variant in built.of(name)))
        for name in built.names()
    )


def scan(findings: Findings | None) -> ScanPart | None:
    """Return what was found."""
    if findings is None:
        return None
    return ScanPart(
        tool=_tool(findings.targets[0].tool) if findings.targets else None,
        scanners=findings.scanners,
        counts=CountsPart(**findings.counts()),
        notes=findings.notes,
        targets=tuple(_target(target) for target in findings.targets),
    )


def tests(results: TestResults | None) -> TestsPart | None:
    """Return what the test suites said."""
    if results is None:
        return None
    return TestsPart(suites=tuple(_suite(suite) for suite in results.suites), notes=results.notes)


def load(report: LoadReport | None) -> LoadPart | None:
    """Return how the services answered under load."""
    if report is None:
        return None
    return LoadPart(
        script=report.script,
        target=report.target,
        tool=_tool(report.tool),
        measure=_load_measure(report.measure),
        released=None if report.released is None else _load_measure(report.released),
        thresholds=tuple(
            ThresholdPart(metric=one.metric, expression=one.expression, crossed=one.crossed)
            for one in report.thresholds
        ),
        regressions=tuple(
            RegressionPart(figure=one.figure, text=one.text, crossed=one.crossed)
            for one in report.regressions
        ),
        marked=report.marked,
        summary=report.summary,
        log=report.log,
        notes=report.notes,
        ran_at=report.ran_at,
        reused=report.reused,
    )


def signed(
    evidence: Sequence[Evidence], made: Signatures | Attestations | None
) -> SignedPart | None:
    """Return signatures or statements."""
    if made is None:
        return None
    return SignedPart(
        signer=made.signer,
        tool=_tool(made.tool),
        evidence=tuple(_evidence(one) for one in evidence),
        notes=made.notes,
        verify_with=made.verify_with if isinstance(made, Signatures) else (),
    )


def signatures(made: Signatures | None) -> SignedPart | None:
    """Return the signatures."""
    return signed(made.signed if made else (), made)


def attestations(made: Attestations | None) -> SignedPart | None:
    """Return the signed statements."""
    return signed(made.attested if made else (), made)


def verdict(said: Verdict | None) -> VerdictPart | None:
    """Return what the gate said."""
    if said is None:
        return None
    return VerdictPart(
        passed=said.passed,
        rule=said.rule,
        breaches=tuple(
            BreachPart(
                image=breach.image,
                platform=breach.platform,
                id=breach.id,
                because=breach.because,
                text=str(breach),
            )
            for breach in said.breaches
        ),
        excepted=tuple(
            ExceptedPart(
                image=excepted.image,
                platform=excepted.platform,
                id=excepted.exemption.id,
                reason=excepted.exemption.reason,
                owner=excepted.exemption.owner,
                expires=excepted.exemption.expires,
            )
            for excepted in said.excepted
        ),
        warnings=said.warnings,
        not_judged=said.not_judged,
    )


def published(done: Published | None) -> tuple[PublishedPart, ...] | None:
    """Return what is in the registries."""
    if done is None:
        return None
    return tuple(
        PublishedPart(
            name=image.name,
            digest=image.digest,
            platforms=image.platforms,
            references=tuple(tag.reference for tag in image.tags),
        )
        for image in done.images
    )


def missing(done: Published | None) -> tuple[str, ...]:
    """Return what is in a fall-back alone."""
    return () if done is None else tuple(redact(line) for line in done.missing)


def _target(target: ImageFindings) -> TargetPart:
    return TargetPart(
        image=target.image,
        platform=target.platform,
        image_id=target.digest,
        counts=CountsPart(**target.counts()),
        findings=tuple(_finding(finding) for finding in target.findings),
        report=target.report,
        second_opinions=tuple(
            SecondOpinionPart(
                tool=_tool(second.tool),
                found=second.found,
                alone=second.alone,
                database_built_at=None if second.database is None else second.database.built_at,
                report=second.report,
            )
            for second in target.second_opinions
        ),
    )


def _suite(suite: SuiteResult) -> SuitePart:
    return SuitePart(
        name=suite.name,
        platform=suite.platform,
        images=suite.images,
        code=suite.code,
        seconds=suite.seconds,
        log=suite.log,
        tail=redact(suite.tail),
        cases=tuple(
            CasePart(
                name=case.name,
                classname=case.classname,
                status=case.status.value,
                seconds=case.seconds,
                message=redact(case.message),
                output=redact(tail(case.output)),
            )
            for case in suite.cases
        ),
        services=tuple(_service(service) for service in suite.services),
        faults=tuple(FaultPart(**asdict(fault)) for fault in suite.faults),
        ran_at=suite.ran_at,
        reused=suite.reused,
    )


def _service(service: ServiceResult) -> ServicePart:
    return ServicePart(
        name=service.name,
        state=service.state,
        code=service.code,
        why=redact(service.why),
        health=redact(service.health),
        restarts=service.restarts,
        events=tuple(redact(event) for event in service.events),
        log=service.log,
        tail=redact(service.tail),
        experiment=service.experiment,
    )


def _finding(finding: Finding) -> FindingPart:
    return FindingPart(
        kind=finding.kind.value,
        id=finding.id,
        severity=cast("Level", finding.severity.label),
        title=finding.title,
        where=finding.where,
        package=finding.package,
        version=finding.version,
        fixed_in=finding.fixed_in,
        url=finding.url,
        purl=finding.purl,
        published=finding.published,
        epss=finding.epss,
        known_exploited=finding.known_exploited,
        found_by=finding.found_by,
    )


def _load_measure(measure: LoadMeasure) -> LoadMeasurePart:
    return LoadMeasurePart(**asdict(measure))


def _evidence(one: Evidence) -> EvidencePart:
    return EvidencePart(
        image=one.subject.image,
        platform=one.subject.platform,
        subject=one.subject.digest,
        predicate_type=one.predicate_type.value,
        reference=one.reference,
        layout=one.layout.value,
        fallback_tag=one.fallback_tag,
    )


def _tool(tool: ToolVersion) -> ToolPart:
    return ToolPart(name=tool.name, version=tool.version, source=tool.source)
