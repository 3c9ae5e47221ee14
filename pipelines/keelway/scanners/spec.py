"""Who looks at which image, for what, decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway._kept import REPORT_DIRECTORY
from keelway.errors import PlanError
from keelway.model.tool import HostTool, ToolSource
from keelway.scanners.trivy import NEEDS_DATABASE, DatabaseSource, DownloadedDatabase, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.scanners.interface import ScannerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageScan:
    """Who looks at one image, for what."""

    scanners: tuple[Target, ...]
    """What Trivy looks for; it is not asked when empty."""
    second_opinion: tuple[ScannerSpec, ...] = ()
    """Who looks too."""


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
    images: Mapping[str, ImageScan] = field(default_factory=dict[str, "ImageScan"])
    """Who looks at single images, where that is not who looks at all."""
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

    def of(self, image: str) -> ImageScan:
        """Return who looks at an image."""
        every = ImageScan(scanners=self.scanners, second_opinion=self.second_opinion)
        return self.images.get(image, every)

    def __post_init__(self) -> None:
        """Refuse to look for vulnerabilities without a database, and for nothing.

        Raises:
            PlanError: When the scanner `vuln` has no database, or nobody is asked to look.
        """
        every = ImageScan(scanners=self.scanners, second_opinion=self.second_opinion)
        asked = (every, *self.images.values())
        if not all(one.scanners or one.second_opinion for one in asked):
            raise PlanError(
                "nobody is asked to scan",
                next_step="name scanners of Trivy in scanners, or others in second_opinion",
            )
        if self.database is None and any(NEEDS_DATABASE in one.scanners for one in asked):
            raise PlanError(
                "the scanner 'vuln' needs a vulnerability database",
                next_step="give database=DownloadedDatabase() or DatabaseDirectory(path=...)",
            )
