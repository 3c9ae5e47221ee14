"""Scan every image for every platform with Trivy, before anything is published.

Findings are the result, not a failure: `keelway.stages.gate` judges them.

Example:
    >>> ScanSpec(scanners=("secret",), database=None).scanners
    ('secret',)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from keelway._cage import WORK, Cage, open_cage, plan_tool
from keelway._kept import REPORT_DIRECTORY, keep, stem
from keelway._stage import Run, failures_of, stage
from keelway._together import each
from keelway._tools.trivy import TRIVY, database_argv, scan_argv
from keelway.errors import PlanError, ToolError
from keelway.model.outcome import Skipped
from keelway.model.tool import HostTool, ToolSource

if TYPE_CHECKING:
    import dagger

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.findings import Findings, ImageFindings
    from keelway.model.image import BuiltImage, Images

TOOLS = (TRIVY,)

Scanner = Literal["vuln", "secret", "misconfig", "license"]

_CACHE = "/cache"
_NEEDS_DATABASE = "vuln"
_NO_DATABASE = (
    "let this machine reach the registry of Trivy's database; or set scan.database to a Trivy "
    'cache directory that has db/trivy.db, or to "none"; or drop "vuln" from scan.scanners'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedDatabase:
    """Fetch Trivy's vulnerability database, at most once a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDirectory:
    """A Trivy cache directory of this machine that has a database."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSpec:
    """How images are scanned."""

    scanners: tuple[Scanner, ...] = ("vuln", "secret", "misconfig", "license")
    database: DownloadedDatabase | DatabaseDirectory | None = DownloadedDatabase()
    """Where the scanner `vuln` has its database; it cannot work without one."""
    tool: ToolSource = HostTool(path="trivy")  # noqa: RUF009 - frozen
    directory: str = REPORT_DIRECTORY
    """Where Trivy's full reports are kept, as `scan/IMAGE-PLATFORM.trivy.json`."""
    notes: tuple[str, ...] = ()
    """What is not looked at, and why."""

    def __post_init__(self) -> None:
        """Refuse to look for vulnerabilities without a database.

        Raises:
            PlanError: When the scanner `vuln` has none.
        """
        if _NEEDS_DATABASE in self.scanners and self.database is None:
            raise PlanError(
                "the scanner 'vuln' needs a vulnerability database",
                next_step="give database=DownloadedDatabase() or DatabaseDirectory(path=...)",
            )


def plan_scan(config: Config, facts: Facts) -> ScanSpec | Skipped:
    """Return how images are scanned, or why they are not.

    Raises:
        PlanError: When Trivy or the database's directory is missing.
    """
    if not config.scan.enabled:
        return Skipped("scan.enabled is false")
    scanners: tuple[Scanner, ...] = config.scan.scanners
    notes: tuple[str, ...] = ()
    if config.scan.database == "none" and _NEEDS_DATABASE in scanners:
        scanners = tuple(name for name in scanners if name != "vuln")
        notes = ('vulnerabilities were not looked for: scan.database is "none"',)
    if not scanners:
        return Skipped(notes[0] if notes else "scan.scanners is empty")
    return ScanSpec(
        scanners=scanners,
        database=_plan_database(config, facts),
        tool=plan_tool(TRIVY, config.tools.trivy, facts),
        directory=str(facts.resolve(config.report.directory)),
        notes=notes,
    )


def _plan_database(config: Config, facts: Facts) -> DownloadedDatabase | DatabaseDirectory | None:
    database = config.scan.database
    if database == "none":
        return None
    if database == "download":
        return DownloadedDatabase()
    if facts.kind_of(database) not in {None, "directory"}:
        raise PlanError(
            f"scan.database: {database} is no directory",
            next_step='name a Trivy cache directory that has db/trivy.db, or "download" or "none"',
        )
    return DatabaseDirectory(path=str(facts.resolve(database)))


@stage("scan")
async def scan(run: Run, spec: ScanSpec, images: Images) -> Findings:
    """Return what Trivy found in each image, its full reports kept.

    Raises:
        PlanError: Trivy is missing.
        ToolError: Trivy broke.
        ToolOutputError: Trivy wrote something that is no report.
    """
    from keelway.model.findings import Findings  # noqa: PLC0415 - not for a plan

    cage = await open_cage(run, stage="scan", tool=TRIVY, source=spec.tool)
    databases = await _database(run, spec, cage)
    targets = await each(partial(_scan_image, run, spec, cage, databases), images.variants)
    return Findings(targets=targets, scanners=spec.scanners, notes=spec.notes)


async def _database(run: Run, spec: ScanSpec, cage: Cage) -> dagger.Directory:
    """Return Trivy's cache directory with what the scanners need, fetched once for all images."""
    match spec.database if _NEEDS_DATABASE in spec.scanners else None:
        case None:
            return run.dag.directory()
        case DatabaseDirectory(path=path):
            return run.dag.host().directory(path)
        case DownloadedDatabase():
            # The day is part of what the engine remembers this step by: a database is not kept
            # longer than it is good.
            today = run.clock.now().date().isoformat()
            try:
                fetched = await cage.run(
                    database_argv(_CACHE),
                    doing="fetching Trivy's vulnerability database",
                    environment={"KEELWAY_DATABASE_DAY": today},
                )
            except ToolError as error:
                error.next_step = _NO_DATABASE
                raise
            return fetched.directory(_CACHE)


async def _scan_image(
    run: Run, spec: ScanSpec, cage: Cage, databases: dagger.Directory, image: BuiltImage
) -> ImageFindings:
    from keelway._tools.trivy_report import parse_report  # noqa: PLC0415 - not for a plan
    from keelway.model.findings import ImageFindings, found_text  # noqa: PLC0415 - likewise

    name = stem(image.name, image.platform)
    tarball, output = f"/input/{name}.tar", f"{WORK}/report.json"
    offline = not isinstance(spec.database, DownloadedDatabase)
    done = await cage.run(
        scan_argv(tarball, output, scanners=spec.scanners, cache=_CACHE, offline=offline),
        doing=f"scanning {image.label}",
        files={tarball: image.tarball()},
        directories={_CACHE: databases},
    )
    with failures_of("scan", f"reading the report about {image.label}"):
        text = await done.file(output).contents()
    # Kept before it is read: what cannot be read must be there to look at.
    kept = await keep(spec.directory, f"scan/{name}.trivy.json", text)
    digest, findings = parse_report(text, tarball=tarball, name=f"image {image.name}")
    result = ImageFindings(
        image=image.name,
        platform=image.platform,
        digest=digest,
        findings=findings,
        report=kept,
        tool=cage.version,
    )
    run.say(
        "scan",
        f"{image.label}: {found_text((found.kind, found.severity.label) for found in findings)}",
    )
    return result
