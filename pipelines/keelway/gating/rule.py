"""What the gate refuses.

Example:
    >>> GateSpec(severity=None).rule()
    'known exploited; failed tests'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.model.findings import Kind, Severity

if TYPE_CHECKING:
    from keelway.model.exemption import Exemption

JUDGED = frozenset({Kind.VULNERABILITY, Kind.MISCONFIGURATION, Kind.SECRET})
"""Judged by severity. Licences are not: by Trivy's own measure every Debian image is `high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseRule:
    """Which licences may be there, as shell patterns of SPDX identifiers."""

    allowed: tuple[str, ...] = ()
    """Only these; any when empty."""
    denied: tuple[str, ...] = ()
    """Never allowed, as patterns."""

    @property
    def empty(self) -> bool:
        """Whether licences are listed only."""
        return not self.allowed and not self.denied


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """What is refused, and what is excepted."""

    severity: Severity | None = Severity.HIGH
    """Findings this bad or worse; none by their severity when `None`."""
    kinds: frozenset[Kind] = JUDGED
    """The kinds of findings that `severity` is for."""
    only_fixable: bool = False
    """Vulnerabilities without a fixed version pass, unless EPSS or KEV stops them."""
    epss: float | None = None
    """Vulnerabilities this likely to be exploited are refused at any severity."""
    kev: bool = True
    """Vulnerabilities known to be exploited are refused at any severity."""
    end_of_life: bool = True
    """An operating system without security support is refused."""
    max_database_age_days: int | None = 7
    """How old a scanner's database may be; of any age when absent."""
    grace_days: int = 0
    """Days after publication in which a vulnerability's severity does not count."""
    tests: bool = True
    """A failed test is refused."""
    licenses: LicenseRule = field(default_factory=LicenseRule)
    """Which licences may be in an image."""
    exemptions: tuple[Exemption, ...] = ()
    """What may pass all the same, until a day."""
    max_exception_days: int = 365
    """How far ahead an exception may expire; one that expires later does not hold."""
    strict_exceptions: bool = False
    """Whether an exception that matches nothing is refused."""

    def judged_kinds(self) -> frozenset[Kind]:
        """Return the kinds of findings that are judged; the rest is listed only."""
        return self.kinds if self.licenses.empty else self.kinds | {Kind.LICENSE}

    def rule(self) -> str:
        """Return what is refused, in words."""
        parts: list[str] = []
        if self.severity is not None:
            worse = "" if self.severity is Severity.CRITICAL else " or worse"
            fixable = ", if there is a fix" if self.only_fixable else ""
            kinds = ", ".join(sorted(self.kinds))
            parts.append(f"{self.severity.label}{worse} findings of kind {kinds}{fixable}")
        if self.epss is not None:
            parts.append(f"EPSS of {self.epss:g} or more")
        if self.kev:
            parts.append("known exploited")
        if not self.licenses.empty:
            parts.append("licences that are not allowed")
        if self.tests:
            parts.append("failed tests")
        return "; ".join(parts) or "nothing"
