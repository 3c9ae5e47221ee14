"""Grype, a second opinion on vulnerabilities, with a database of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._cage import WORK, Cage, open_cage
from keelway._kept import stem
from keelway._local_files import local_directory
from keelway._stage import failures_of
from keelway._tools.grype import GRYPE, database_argv, environment, scan_argv
from keelway.errors import ToolError
from keelway.model.tool import HostTool, ToolSource
from keelway.scanners.interface import Scanned, keep_report, time_limit
from keelway.scanners.trivy import DatabaseDirectory, DatabaseSource, DownloadedDatabase

if TYPE_CHECKING:
    import dagger

    from keelway._stage import Run
    from keelway.model.image import BuiltImage

_CACHE = "/cache"
_NO_DATABASE = (
    "let this machine reach Grype's database; or set scan.grype_database to a Grype cache "
    "directory that has 6/vulnerability.db; or drop it from scan.second_opinion"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrypeSpec:
    """How Grype is asked."""

    tool: ToolSource = HostTool(path="grype")  # noqa: RUF009 - frozen
    """Where Grype comes from."""
    database: DatabaseSource = DownloadedDatabase()  # noqa: RUF009 - frozen
    """Where its database comes from."""

    @property
    def name(self) -> str:
        """Return `grype`."""
        return GRYPE.name

    async def open(self, run: Run, *, directory: str, timeout_s: int) -> Grype:
        """Return Grype, its version checked and its database there.

        Raises:
            PlanError: Grype is missing.
            ToolError: Its version must not run, or its database cannot be fetched.
        """
        return await open_grype(run, self, directory=directory, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grype:
    """Grype with its database."""

    cage: Cage
    caches: dagger.Directory
    source: str
    directory: str
    timeout_s: int

    async def scan(self, image: BuiltImage) -> Scanned:
        """Return what it found in one image.

        Raises:
            ToolError: It broke, took too long, or has no database.
            ToolOutputError: It wrote something that is no report; what it wrote is kept.
        """
        from keelway._tools.grype_report import parse_report  # noqa: PLC0415 - not for a plan

        name = stem(image.name, image.platform)
        tarball, output = f"/input/{name}.tar", f"{WORK}/report.json"
        doing = f"scanning {image.label} with Grype"
        try:
            with time_limit(self.timeout_s, tool="grype", doing=doing):
                done = await self.cage.run(
                    scan_argv(tarball, output),
                    doing=doing,
                    files={tarball: image.tarball()},
                    directories={_CACHE: self.caches},
                    environment=environment(_CACHE, WORK, update=False),
                )
        except ToolError as error:
            if "vulnerability db" in error.output:
                error.next_step = _NO_DATABASE
            raise
        with failures_of("scan", f"reading Grype's report about {image.label}"):
            text = await done.file(output).contents()
        # Kept before it is read: what cannot be read must be there to look at.
        kept = await keep_report(self.directory, image, "grype", text)
        report = parse_report(text)
        return Scanned(
            findings=report.findings,
            report=kept,
            tool=self.cage.version,
            database=report.database(self.source),
        )


async def open_grype(run: Run, spec: GrypeSpec, *, directory: str, timeout_s: int) -> Grype:
    """Return Grype, its version checked and its database there.

    Raises:
        PlanError: Grype is missing.
        ToolError: Its version must not run, or its database cannot be fetched.
    """
    cage = await open_cage(run, stage="scan", tool=GRYPE, source=spec.tool)
    local = isinstance(spec.database, DatabaseDirectory)
    return Grype(
        cage=cage,
        caches=await _caches(run, cage, spec.database),
        source="directory" if local else "downloaded",
        directory=directory,
        timeout_s=timeout_s,
    )


async def _caches(run: Run, cage: Cage, source: DatabaseSource) -> dagger.Directory:
    if isinstance(source, DatabaseDirectory):
        return local_directory(run, source.path)
    today = run.clock.now().date().isoformat()
    try:
        fetched = await cage.run(
            database_argv(),
            doing="fetching Grype's vulnerability database",
            environment={
                **environment(_CACHE, WORK, update=True),
                "KEELWAY_DATABASE_DAY": today,
            },
        )
    except ToolError as error:
        error.next_step = _NO_DATABASE
        raise
    return fetched.directory(_CACHE)
