"""Snyk, a second opinion from a service: the one scanner that is given a secret, its own token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._cage import WORK, Cage, open_cage
from keelway._kept import stem
from keelway._secrets import open_secret
from keelway._stage import failures_of
from keelway._tools.snyk import SNYK, TOKEN_VARIABLE, WORKED, scan_argv
from keelway.model.tool import HostTool, ToolSource
from keelway.scanners.interface import Scanned, keep_report, time_limit

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.model.image import BuiltImage


@dataclass(frozen=True, slots=True, kw_only=True)
class SnykSpec:
    """How Snyk is asked."""

    token: str
    """The secret's address."""
    tool: ToolSource = HostTool(path="snyk")  # noqa: RUF009 - frozen
    """Where Snyk comes from."""

    @property
    def name(self) -> str:
        """Return `snyk`."""
        return SNYK.name

    async def open(self, run: Run, *, directory: str, timeout_s: int) -> Snyk:
        """Return Snyk, its version checked.

        Raises:
            PlanError: Snyk is missing.
            ToolError: Its version must not run.
        """
        return await open_snyk(run, self, directory=directory, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snyk:
    """Snyk with its token."""

    run: Run
    cage: Cage
    token: str
    directory: str
    timeout_s: int

    async def scan(self, image: BuiltImage) -> Scanned:
        """Return what it found in one image.

        Raises:
            ToolError: It broke, took too long, or its token is refused.
            ToolOutputError: It wrote something that is no report; what it wrote is kept.
        """
        from keelway._tools.snyk_report import parse_report  # noqa: PLC0415 - not for a plan

        name = stem(image.name, image.platform)
        tarball, output = f"/input/{name}.tar", f"{WORK}/report.json"
        doing = f"scanning {image.label} with Snyk"
        with time_limit(self.timeout_s, tool="snyk", doing=doing):
            done = await self.cage.run(
                scan_argv(tarball, output),
                doing=doing,
                files={tarball: image.tarball()},
                # The service's database changes: so no earlier scan stands for this one.
                environment={"HOME": WORK, "KEELWAY_SCANNED": self.run.clock.now().isoformat()},
                secrets={TOKEN_VARIABLE: open_secret(self.run, self.token)},
                accepted=WORKED,
            )
        with failures_of("scan", f"reading Snyk's report about {image.label}"):
            text = await done.file(output).contents()
        # Kept before it is read: what cannot be read must be there to look at.
        kept = await keep_report(self.directory, image, "snyk", text)
        return Scanned(findings=parse_report(text), report=kept, tool=self.cage.version)


async def open_snyk(run: Run, spec: SnykSpec, *, directory: str, timeout_s: int) -> Snyk:
    """Return Snyk, its version checked.

    Raises:
        PlanError: Snyk is missing.
        ToolError: Its version must not run.
    """
    cage = await open_cage(run, stage="scan", tool=SNYK, source=spec.tool)
    return Snyk(run=run, cage=cage, token=spec.token, directory=directory, timeout_s=timeout_s)
