"""Trivy, the first scanner: vulnerabilities, secrets, misconfiguration, licences.

The database is fetched by a step of its own, the only one that needs a network. Ignore files of
Trivy's own are not in its cage: what may pass is written in one place, for all scanners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keelway._cage import WORK, Cage, open_cage
from keelway._kept import stem
from keelway._local_files import local_directory
from keelway._stage import failures_of
from keelway._tools.trivy import TRIVY, database_argv, scan_argv
from keelway.errors import ToolError
from keelway.scanners.interface import Scanned, keep_report, time_limit

if TYPE_CHECKING:
    import dagger

    from keelway._stage import Run
    from keelway.model.findings import Database
    from keelway.model.image import BuiltImage
    from keelway.model.tool import ToolSource

Target = Literal["vuln", "secret", "misconfig", "license"]
NEEDS_DATABASE = "vuln"

_CACHE = "/cache"
_LAYERS = f"{_CACHE}/fanal"
"""Where it keeps what it found in each layer, by the layer's digest and its own options."""
_NO_DATABASE = (
    "let this machine reach the registry of Trivy's database, or name mirrors of it in "
    "scan.database_mirrors; or set scan.database to a Trivy "
    'cache directory that has db/trivy.db, or to "none"; or drop "vuln" from scan.scanners'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedDatabase:
    """Fetch the vulnerability database, at most once a day."""

    mirrors: tuple[str, ...] = ()
    """Repositories that have it, tried in this order; the scanner's own when empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDirectory:
    """A scanner's cache directory of this machine that has a database."""

    path: str
    """Absolute, or relative to where the program runs."""


DatabaseSource = DownloadedDatabase | DatabaseDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Trivy:
    """Trivy with its database."""

    run: Run
    cage: Cage
    caches: dagger.Directory
    database: Database | None
    scanners: tuple[Target, ...]
    offline: bool
    directory: str
    timeout_s: int

    async def scan(self, image: BuiltImage) -> Scanned:
        """Return what it found in one image.

        Raises:
            ToolError: It broke, or took too long.
            ToolOutputError: It wrote something that is no report; what it wrote is kept.
        """
        from keelway._tools.trivy_report import parse_report  # noqa: PLC0415 - not for a plan

        name = stem(image.name, image.platform)
        tarball, output = f"/input/{name}.tar", f"{WORK}/report.json"
        doing = f"scanning {image.label}"
        argv = scan_argv(
            tarball,
            output,
            scanners=self.scanners,
            cache=_CACHE,
            offline=self.offline,
            timeout_s=self.timeout_s,
        )
        with time_limit(self.timeout_s, tool="trivy", doing=doing):
            done = await self.cage.run(
                argv,
                doing=doing,
                files={tarball: image.tarball()},
                directories={_CACHE: self.caches},
                # One for each image: it locks the file in there while it runs.
                caches={_LAYERS: self.run.dag.cache_volume(f"keelway-trivy-{name}")},
            )
        with failures_of("scan", f"reading the report about {image.label}"):
            text = await done.file(output).contents()
        # Kept before it is read: what cannot be read must be there to look at.
        kept = await keep_report(self.directory, image, "trivy", text)
        report = parse_report(text, tarball=tarball, name=f"image {image.name}")
        return Scanned(
            findings=report.findings,
            report=kept,
            tool=self.cage.version,
            digest=report.image,
            os=report.os,
            database=self.database,
        )


async def open_trivy(
    run: Run,
    *,
    tool: ToolSource,
    scanners: tuple[Target, ...],
    source: DatabaseSource | None,
    directory: str,
    timeout_s: int,
) -> Trivy:
    """Return Trivy, its version checked and its database there.

    Raises:
        PlanError: Trivy is missing.
        ToolError: Its version must not run, or its database cannot be fetched.
    """
    cage = await open_cage(run, stage="scan", tool=TRIVY, source=tool)
    wanted = source if NEEDS_DATABASE in scanners else None
    caches = await _caches(run, cage, wanted)
    return Trivy(
        run=run,
        cage=cage,
        caches=caches,
        database=None if wanted is None else await _database(caches, wanted),
        scanners=scanners,
        offline=not isinstance(source, DownloadedDatabase),
        directory=directory,
        timeout_s=timeout_s,
    )


async def _caches(run: Run, cage: Cage, source: DatabaseSource | None) -> dagger.Directory:
    """Return Trivy's cache directory with what the scanners need, fetched once for all images."""
    match source:
        case None:
            return run.dag.directory()
        case DatabaseDirectory(path=path):
            return local_directory(run, path)
        case DownloadedDatabase(mirrors=mirrors):
            # The day is part of what the engine remembers this step by: a database is not kept
            # longer than it is good.
            today = run.clock.now().date().isoformat()
            try:
                fetched = await cage.run(
                    database_argv(_CACHE, mirrors),
                    doing="fetching Trivy's vulnerability database",
                    environment={"KEELWAY_DATABASE_DAY": today},
                )
            except ToolError as error:
                error.next_step = _NO_DATABASE
                raise
            return fetched.directory(_CACHE)


async def _database(caches: dagger.Directory, source: DatabaseSource) -> Database:
    from keelway._tools.trivy_report import parse_database  # noqa: PLC0415 - not for a plan

    with failures_of("scan", "reading when Trivy's database was made"):
        text = await caches.file("db/metadata.json").contents()
    if isinstance(source, DatabaseDirectory):
        return parse_database(text, "directory")
    return parse_database(text, "mirror" if source.mirrors else "downloaded")
