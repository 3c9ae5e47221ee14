"""What a scanner is: it looks at an image, keeps its full report, and says what it found.

A spec says how a scanner is asked; opened, once for all images, it is a scanner. One of your own
goes into `ScanSpec.second_opinion`, beside Trivy or in its place.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

from keelway._kept import keep, stem
from keelway.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway._stage import Run
    from keelway.model.findings import Database, Finding, OperatingSystem
    from keelway.model.image import BuiltImage, Digest
    from keelway.model.tool import ToolVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What one scanner found in one image for one platform."""

    findings: tuple[Finding, ...]
    """What it found, in any order."""
    report: str
    """The scanner's full JSON, as a path under the report directory."""
    tool: ToolVersion
    """The scanner, as it was when it ran."""
    digest: Digest | None = None
    """The image's id, where the scanner tells it."""
    os: OperatingSystem | None = None
    """What the image is made of, where it can tell."""
    database: Database | None = None
    """What it knew, where it has a database."""


class Scanner(Protocol):
    """A scanner that is ready: its program was checked, and its database is there."""

    async def scan(self, image: BuiltImage) -> Scanned:
        """Return what it found; findings never make it fail.

        Args:
            image: One image for one platform; `image.tarball()` is what tools read.

        Raises:
            ToolError: It broke, or took too long.
            ToolOutputError: It wrote something that is no report; what it wrote is kept.
        """
        ...


class ScannerSpec(Protocol):
    """How a scanner is asked, decided: what it is told, and where its program comes from."""

    @property
    def name(self) -> str:
        """Return the scanner's name, in lower case: plans, reports and merged findings have it."""
        ...

    async def open(self, run: Run, *, directory: str, timeout_s: int) -> Scanner:
        """Return the scanner, ready: its program checked, its database fetched.

        Args:
            run: The run.
            directory: The report directory, where full reports are kept (`keep_report`).
            timeout_s: Seconds that it may take for one image.

        Raises:
            PlanError: What it needs is missing.
            ToolError: Its program must not run, or its database cannot be fetched.
        """
        ...


async def keep_report(directory: str, image: BuiltImage, scanner: str, text: str) -> str:
    """Write a scanner's full report, whole or not at all, and return its name in the directory.

    Args:
        directory: The report directory.
        image: What was scanned.
        scanner: The scanner's name.
        text: The report, which is JSON.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    return await keep(directory, f"scan/{stem(image.name, image.platform)}.{scanner}.json", text)


@contextmanager
def time_limit(seconds: int, *, tool: str, doing: str) -> Generator[None]:
    """Give up what is done inside after so many seconds.

    Raises:
        ToolError: The time is over.
    """
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise ToolError(
            f"{doing} took longer than {seconds} seconds: {tool} was stopped",
            stage="scan",
            next_step="set a longer scan.timeout_s, or scan for less in scan.scanners",
        ) from error
