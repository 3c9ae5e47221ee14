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

from keelway._cage import plan_tool
from keelway._kept import REPORT_DIRECTORY
from keelway._secrets import plan_secret
from keelway._stage import Run, stage
from keelway._together import each
from keelway._tools.grype import GRYPE
from keelway._tools.snyk import SNYK
from keelway._tools.trivy import TRIVY
from keelway.errors import PlanError
from keelway.model.image import Digest
from keelway.model.outcome import Skipped
from keelway.model.tool import HostTool, ToolSource
from keelway.scanners.grype import GrypeSpec
from keelway.scanners.snyk import SnykSpec
from keelway.scanners.trivy import (
    NEEDS_DATABASE,
    DatabaseDirectory,
    DatabaseSource,
    DownloadedDatabase,
    Target,
    open_trivy,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.config import Config
    from keelway.exceptions.openvex import Claim
    from keelway.facts import Facts
    from keelway.model.findings import Finding, Findings, ImageFindings
    from keelway.model.image import BuiltImage, Images
    from keelway.scanners.interface import Scanned, Scanner, ScannerSpec
    from keelway.scanners.threats import Threats

TOOLS = (TRIVY,)
"""What is always needed; a second opinion is asked for."""
SECOND_TOOLS = (GRYPE, SNYK)

__all__ = [
    "SECOND_TOOLS", "TOOLS", "DatabaseDirectory", "DownloadedDatabase", "ScanSpec", "Target",
    "plan_scan", "scan",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSpec:
    """How images are scanned."""

    scanners: tuple[Target, ...] = ("vuln", "secret", "misconfig", "license")
    """What Trivy looks for; it is not asked when empty."""
    database: DatabaseSource | None = DownloadedDatabase()  # noqa: RUF009 - frozen
    """Where the scanner `vuln` has its database; it cannot work without one."""
    tool: ToolSource = HostTool(path="trivy")  # noqa: RUF009 - frozen
    """Where Trivy comes from."""
    second_opinion: tuple[ScannerSpec, ...] = ()
    """Who looks too, in this order; alone when `scanners` is empty, for then Trivy is not asked."""
    threat_data: str | None = None
    """Directory with EPSS scores and CISA's catalogue."""
    vex: tuple[str, ...] = ()
    """OpenVEX documents of others."""
    timeout_s: int = 1800
    """Seconds that one scanner may take for one image."""
    directory: str = REPORT_DIRECTORY
    """Where the scanners' full reports are kept, as `scan/IMAGE-PLATFORM.SCANNER.json`."""
    notes: tuple[str, ...] = ()
    """What is not looked at, and why."""

    def __post_init__(self) -> None:
        """Refuse to look for vulnerabilities without a database, and for nothing.

        Raises:
            PlanError: When the scanner `vuln` has no database, or nobody is asked to look.
        """
        if not self.scanners and not self.second_opinion:
            raise PlanError(
                "nobody is asked to scan",
                next_step="name scanners of Trivy in scanners, or others in second_opinion",
            )
        if NEEDS_DATABASE in self.scanners and self.database is None:
            raise PlanError(
                "the scanner 'vuln' needs a vulnerability database",
                next_step="give database=DownloadedDatabase() or DatabaseDirectory(path=...)",
            )


def plan_scan(config: Config, facts: Facts) -> ScanSpec | Skipped:
    """Return how images are scanned, or why they are not.

    Raises:
        PlanError: When a scanner, its database's directory or its token is missing.
    """
    if not config.scan.enabled:
        return Skipped("scan.enabled is false")
    scanners: tuple[Target, ...] = config.scan.scanners
    notes: tuple[str, ...] = ()
    if config.scan.database == "none" and NEEDS_DATABASE in scanners:
        scanners = tuple(name for name in scanners if name != "vuln")
        notes = ('vulnerabilities were not looked for: scan.database is "none"',)
    if not scanners:
        return Skipped(notes[0] if notes else "scan.scanners is empty")
    threat_data = config.gate.threat_data
    if threat_data is not None:
        _must_be(facts, "gate.threat_data", threat_data, "directory")
    for document in config.gate.vex:
        _must_be(facts, "gate.vex", document, "file")
    return ScanSpec(
        scanners=scanners,
        database=_plan_database(config, facts),
        tool=plan_tool(TRIVY, config.tools.trivy, facts),
        second_opinion=tuple(_plan_second(config, facts)),
        threat_data=None if threat_data is None else str(facts.resolve(threat_data)),
        vex=tuple(str(facts.resolve(document)) for document in config.gate.vex),
        timeout_s=config.scan.timeout_s,
        directory=str(facts.resolve(config.report.directory)),
        notes=notes,
    )


def _must_be(facts: Facts, key: str, path: str, kind: str) -> None:
    if facts.kind_of(path) not in {None, kind}:
        raise PlanError(
            f"{key}: {path} is no {kind}",
            next_step=f"correct the path (it is relative to {facts.root}), or remove it",
        )


def _plan_database(config: Config, facts: Facts) -> DatabaseSource | None:
    database = config.scan.database
    if database == "none":
        return None
    if database == "download":
        return DownloadedDatabase(mirrors=config.scan.database_mirrors)
    if facts.kind_of(database) not in {None, "directory"}:
        raise PlanError(
            f"scan.database: {database} is no directory",
            next_step='name a Trivy cache directory that has db/trivy.db, or "download" or "none"',
        )
    return DatabaseDirectory(path=str(facts.resolve(database)))


def _plan_second(config: Config, facts: Facts) -> Sequence[ScannerSpec]:
    planned: list[ScannerSpec] = []
    for name in config.scan.second_opinion:
        if name == "grype":
            tool = plan_tool(GRYPE, config.tools.grype, facts)
            planned.append(GrypeSpec(tool=tool, database=_plan_grype_database(config, facts)))
        elif config.scan.snyk_token is not None and facts.untrusted is None:
            token = plan_secret(config.scan.snyk_token, facts, what="scan.snyk_token")
            tool = plan_tool(SNYK, config.tools.snyk, facts)
            planned.append(SnykSpec(tool=tool, token=token))
    return planned


def _plan_grype_database(config: Config, facts: Facts) -> DatabaseSource:
    database = config.scan.grype_database
    if database == "download":
        return DownloadedDatabase()
    if facts.kind_of(database) not in {None, "directory"}:
        raise PlanError(
            f"scan.grype_database: {database} is no directory",
            next_step='name a Grype cache directory that has 6/vulnerability.db, or "download", '
            'or drop "grype" from scan.second_opinion',
        )
    return DatabaseDirectory(path=str(facts.resolve(database)))


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
    scanners = await _open(run, spec)
    look = partial(_scan_image, run, scanners, known)
    targets = await each(run.watched("scan", lambda one: one.label, look), images.variants)
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


async def _open(run: Run, spec: ScanSpec) -> tuple[Scanner, ...]:
    scanners: list[Scanner] = []
    if spec.scanners:
        first = await open_trivy(
            run,
            tool=spec.tool,
            scanners=spec.scanners,
            source=spec.database,
            directory=spec.directory,
            timeout_s=spec.timeout_s,
        )
        scanners.append(first)
    for second in spec.second_opinion:
        opened = await second.open(run, directory=spec.directory, timeout_s=spec.timeout_s)
        scanners.append(opened)
    return tuple(scanners)


async def _scan_image(
    run: Run, scanners: tuple[Scanner, ...], known: _Known, image: BuiltImage
) -> ImageFindings:
    from keelway.model.findings import (  # noqa: PLC0415 - not for a plan
        ImageFindings,
        SecondOpinion,
        found_text,
    )
    from keelway.scanners.merging import merge  # noqa: PLC0415 - likewise

    reports: list[Scanned] = [await scanner.scan(image) for scanner in scanners]
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
