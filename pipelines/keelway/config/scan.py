"""[scan]: what images are searched for, and what stops a release."""

from typing import Literal

from keelway.config.section import Section, Text

Scanner = Literal["vuln", "secret", "misconfig", "license"]
FailOn = Literal["low", "medium", "high", "critical", "never"]


class ScanConfig(Section):
    """Scanning by Trivy, and the gate that judges its findings."""

    enabled: bool = True
    """Whether images are scanned at all."""
    scanners: tuple[Scanner, ...] = ("vuln", "secret", "misconfig", "license")
    """What is looked for."""
    fail_on: FailOn = "high"
    """Findings of this severity and above stop the release; `"never"` only reports them."""
    database: Text = "download"
    """Vulnerability database: `"download"`, `"none"`, or the path of a Trivy cache directory.

    With `"none"` the scanner `vuln` is skipped, and the plan and the report say so.
    """
