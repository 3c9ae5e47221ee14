"""The model's values in the form that `report.json` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from keelway.model.sbom import SbomFormat
from keelway.report.document import (
    BreachPart,
    BuiltPart,
    CountsPart,
    DocumentPart,
    FindingPart,
    Level,
    PublishedPart,
    SbomPart,
    ScanPart,
    TargetPart,
    ToolPart,
    VerdictPart,
)

if TYPE_CHECKING:
    from keelway.model.findings import Finding, Findings, ImageFindings
    from keelway.model.image import Images
    from keelway.model.published import Published
    from keelway.model.sbom import Sbom, Sboms
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


def sbom(sboms: Sboms | None) -> SbomPart | None:
    """Return which documents there are."""
    if sboms is None:
        return None
    return SbomPart(
        tool=_tool(sboms.tool), documents=tuple(_document(one) for one in sboms.documents)
    )


def verdict(said: Verdict | None) -> VerdictPart | None:
    """Return what the gate said."""
    if said is None:
        return None
    return VerdictPart(
        passed=said.passed,
        rule=said.rule,
        breaches=tuple(
            BreachPart(
                image=breach.image, platform=breach.platform, finding=_finding(breach.finding)
            )
            for breach in said.breaches
        ),
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


def _target(target: ImageFindings) -> TargetPart:
    return TargetPart(
        image=target.image,
        platform=target.platform,
        image_id=target.digest,
        counts=CountsPart(**target.counts()),
        findings=tuple(_finding(finding) for finding in target.findings),
        report=target.report,
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
    )


def _document(document: Sbom) -> DocumentPart:
    spdx = document.format is SbomFormat.SPDX_JSON
    return DocumentPart(
        image=document.image,
        platform=document.platform,
        format="spdx-json" if spdx else "cyclonedx-json",
        path=document.path,
        sha256=document.sha256,
        subject=document.subject,
        packages=document.packages,
    )


def _tool(tool: ToolVersion) -> ToolPart:
    return ToolPart(name=tool.name, version=tool.version, source=tool.source)
