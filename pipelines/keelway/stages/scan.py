"""Scan every image for every platform, before anything is published.

Trivy looks first; others may give a second opinion. Findings are the result, not a failure:
`keelway.stages.gate` judges them, each thing once, however many scanners found it.

Example:
    >>> ScanSpec(scanners=("secret",), database=None).scanners
    ('secret',)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from keelway._stage import Run, stage
from keelway._together import each_built
from keelway._tools.grype import GRYPE
from keelway._tools.snyk import SNYK
from keelway._tools.trivy import TRIVY
from keelway.errors import PlanError
from keelway.model.image import Digest
from keelway.scanners.planned import plan_scan
from keelway.scanners.spec import ImageScan, ScanSpec
from keelway.scanners.trivy import DatabaseDirectory, DownloadedDatabase, Target, open_trivy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.exceptions.openvex import Claim
    from keelway.model.findings import Finding, Findings, ImageFindings
    from keelway.model.image import BuiltImage, Images
    from keelway.scanners.interface import Scanned, Scanner
    from keelway.scanners.threats import Threats

TOOLS = (TRIVY,)
"""What is always needed; a second opinion is asked for."""
SECOND_TOOLS = (GRYPE, SNYK)

__all__ = [
    "SECOND_TOOLS", "TOOLS", "DatabaseDirectory", "DownloadedDatabase", "ImageScan", "ScanSpec",
    "Target", "plan_scan", "scan",
]  # fmt: skip


@stage("scan")
async def scan(run: Run, spec: ScanSpec, images: Images) -> Findings:
    """Return what was found in each image, the scanners' full reports kept.

    Args:
        run: The run.
        spec: Who looks, for what.
        images: What was built.

    Raises:
        PlanError: A scanner is missing.
        ConfigError: A document of `vex` is none.
        ToolError: A scanner broke, or took too long.
        ToolOutputError: A scanner wrote something that is no report.
        StageError: The threat data cannot be read.
    """
    from keelway.model.findings import Findings  # noqa: PLC0415 - not for a plan

    known = await _known(run, spec)
    scanners = await _open(run, spec, images.names())
    look = partial(_scan_image, run, scanners, known)
    targets = await each_built(run.watched("scan", lambda one: one.label, look), images)
    return Findings(targets=targets, scanners=spec.scanners, notes=spec.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of vulnerabilities beside what scanners say."""

    threats: Threats | None
    claims: tuple[Claim, ...]

    def about(self, findings: Sequence[Finding], image: str, digest: str) -> tuple[Finding, ...]:
        """Return the findings with all that is known about them."""
        rated = findings if self.threats is None else self.threats.about(findings)
        return tuple(self._claimed(finding, image, digest) for finding in rated)

    def _claimed(self, finding: Finding, image: str, digest: str) -> Finding:
        """The last word about a thing counts (OpenVEX specification, "Inheritance Flow")."""
        said = [
            claim.status
            for claim in self.claims
            if claim.is_about(finding.id, finding.purl, image, digest)
        ]
        return replace(finding, vex=said[-1]) if said else finding


async def _known(run: Run, spec: ScanSpec) -> _Known:
    from keelway.exceptions.openvex import parse_openvex  # noqa: PLC0415 - not for a plan
    from keelway.scanners.threats import load_threats  # noqa: PLC0415 - likewise

    threats = None
    if spec.threat_data is not None:
        threats = await anyio.to_thread.run_sync(load_threats, Path(spec.threat_data))
        run.say("scan", f"threat data: {', '.join(threats.dated)}")
    claims: list[Claim] = []
    for document in spec.vex:
        try:
            text = await anyio.Path(document).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(f"gate.vex: {document} cannot be read", why=str(error)) from error
        claims += parse_openvex(text, Path(document).name)
    return _Known(threats=threats, claims=tuple(claims))


async def _open(run: Run, spec: ScanSpec, names: Sequence[str]) -> dict[str, tuple[Scanner, ...]]:
    """Return the scanners of each image; what looks alike at several is opened once."""
    trivy: dict[tuple[Target, ...], Scanner] = {}
    others: dict[str, Scanner] = {}
    opened: dict[str, tuple[Scanner, ...]] = {}
    for name in names:
        asked = spec.of(name)
        if asked.scanners and asked.scanners not in trivy:
            trivy[asked.scanners] = await open_trivy(
                run,
                tool=spec.tool,
                scanners=asked.scanners,
                source=spec.database,
                directory=spec.directory,
                timeout_s=spec.timeout_s,
            )
        for second in asked.second_opinion:
            if second.name not in others:
                others[second.name] = await second.open(
                    run, directory=spec.directory, timeout_s=spec.timeout_s
                )
        first = (trivy[asked.scanners],) if asked.scanners else ()
        opened[name] = (*first, *(others[second.name] for second in asked.second_opinion))
    return opened


async def _scan_image(
    run: Run, scanners: Mapping[str, tuple[Scanner, ...]], known: _Known, image: BuiltImage
) -> ImageFindings:
    from keelway.model.findings import (  # noqa: PLC0415 - not for a plan
        ImageFindings,
        SecondOpinion,
        found_text,
    )
    from keelway.scanners.merging import merge  # noqa: PLC0415 - likewise

    reports: list[Scanned] = [await scanner.scan(image) for scanner in scanners[image.name]]
    first, *others = reports
    findings = first.findings
    alone: tuple[int, ...] = (len(findings),)
    if others:
        findings, alone = merge([(one.tool.name, one.findings) for one in reports])
    digest = first.digest or Digest("")
    findings = known.about(findings, image.name, digest)
    run.say(
        "scan",
        f"{image.label}: {found_text((found.kind, found.severity.label) for found in findings)}",
    )
    return ImageFindings(
        image=image.name,
        platform=image.platform,
        digest=digest,
        findings=findings,
        report=first.report,
        tool=first.tool,
        os=first.os,
        database=first.database,
        second_opinions=tuple(
            SecondOpinion(
                tool=one.tool,
                report=one.report,
                found=len(one.findings),
                alone=new,
                database=one.database,
            )
            for one, new in zip(others, alone[1:], strict=True)
        ),
    )
