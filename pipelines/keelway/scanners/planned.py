"""Who looks at which image, decided by the configuration and what is true here. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._cage import plan_tool
from keelway._secrets import plan_secret
from keelway._tools.grype import GRYPE
from keelway._tools.snyk import SNYK
from keelway._tools.trivy import TRIVY
from keelway.errors import PlanError
from keelway.model.outcome import Skipped
from keelway.scanners.grype import GrypeSpec
from keelway.scanners.snyk import SnykSpec
from keelway.scanners.spec import ImageScan, ScanSpec
from keelway.scanners.trivy import (
    NEEDS_DATABASE,
    DatabaseDirectory,
    DatabaseSource,
    DownloadedDatabase,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.config import Config
    from keelway.config.scan import SecondScanner
    from keelway.facts import Facts
    from keelway.scanners.interface import ScannerSpec


def plan_scan(config: Config, facts: Facts) -> ScanSpec | Skipped:
    """Return how images are scanned, or why they are not.

    Raises:
        PlanError: When a scanner, its database's directory or its token is missing.
    """
    if not config.scan.enabled:
        return Skipped("scan.enabled is false")
    scanners = _possible(config, config.scan.scanners)
    notes: tuple[str, ...] = ()
    if scanners != config.scan.scanners:
        notes = ('vulnerabilities were not looked for: scan.database is "none"',)
    snyk = _snyk_note(config, facts)
    notes += () if snyk is None else (snyk,)
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
        second_opinion=tuple(_plan_second(config.scan.second_opinion, config, facts)),
        images=_plan_images(config, facts),
        threat_data=None if threat_data is None else str(facts.resolve(threat_data)),
        vex=tuple(str(facts.resolve(document)) for document in config.gate.vex),
        timeout_s=config.scan.timeout_s,
        directory=str(facts.resolve(config.report.directory)),
        notes=notes,
    )


def _possible(config: Config, scanners: tuple[Target, ...]) -> tuple[Target, ...]:
    """Return what can be looked for with the database that there is."""
    if config.scan.database != "none":
        return scanners
    return tuple(name for name in scanners if name != NEEDS_DATABASE)


def _plan_images(config: Config, facts: Facts) -> dict[str, ImageScan]:
    """Return who looks at the images that differ."""
    every = config.scan.scanners
    return {
        name: ImageScan(
            scanners=_possible(config, every if one.scanners is None else one.scanners),
            second_opinion=tuple(_plan_second(config.scan.second_of(name), config, facts)),
        )
        for name, one in config.scan.images.items()
        if name in config.images
    }


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


def _plan_second(
    names: Sequence[SecondScanner], config: Config, facts: Facts
) -> Sequence[ScannerSpec]:
    planned: list[ScannerSpec] = []
    for name in names:
        if name == "grype":
            tool = plan_tool(GRYPE, config.tools.grype, facts)
            planned.append(GrypeSpec(tool=tool, database=_plan_grype_database(config, facts)))
        elif (snyk := _plan_snyk(config, facts)) is not None:
            planned.append(snyk)
    return planned


def _plan_snyk(config: Config, facts: Facts) -> SnykSpec | None:
    """Return how Snyk is asked; nothing where it may not be, or need not and cannot be."""
    if config.scan.snyk_token is None or facts.untrusted is not None:
        return None
    if _snyk_note(config, facts) is not None:
        return None
    token = plan_secret(config.scan.snyk_token, facts, what="scan.snyk_token")
    return SnykSpec(tool=plan_tool(SNYK, config.tools.snyk, facts), token=token)


def _snyk_note(config: Config, facts: Facts) -> str | None:
    """Return why Snyk is not asked where it need not be, if that is so."""
    scan = config.scan
    asked = {name for image in config.images for name in scan.second_of(image)}
    if "snyk" not in asked or scan.snyk_token is None or facts.untrusted is not None:
        return None
    if not scan.snyk_optional:
        return None
    try:
        plan_secret(scan.snyk_token, facts, what="scan.snyk_token")
    except PlanError as error:
        return f"Snyk was not asked: {error.message}"
    return None


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
