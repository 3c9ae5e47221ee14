"""What a scanner is: it looks at an image, keeps its full report, and says what it found."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

from keelway.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway.model.findings import Database, Finding, OperatingSystem
    from keelway.model.image import BuiltImage, Digest
    from keelway.model.tool import ToolVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What one scanner found in one image for one platform."""

    findings: tuple[Finding, ...]
    report: str
    """The scanner's full JSON, as a path under the report directory."""
    tool: ToolVersion
    digest: Digest | None = None
    """The image's id, where the scanner tells it."""
    os: OperatingSystem | None = None
    database: Database | None = None


class Scanner(Protocol):
    """A scanner that is ready: its program was checked, and its database is there."""

    async def scan(self, image: BuiltImage) -> Scanned:
        """Return what it found; findings never make it fail.

        Raises:
            ToolError: It broke, or took too long.
            ToolOutputError: It wrote something that is no report; what it wrote is kept.
        """
        ...


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
