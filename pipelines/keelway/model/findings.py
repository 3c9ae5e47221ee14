"""What a scanner found, in words that do not depend on the scanner.

Example:
    >>> Severity.parse("high") > Severity.MEDIUM
    True
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from keelway.model.exemption import VexStatus
    from keelway.model.image import Digest
    from keelway.model.platform import Platform
    from keelway.model.tool import ToolVersion


class Severity(IntEnum):
    """How bad it is; ordered, so that a gate is one comparison."""

    UNKNOWN = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """Return the lower-case name."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Return the severity of a scanner's word; one that nobody knows is `UNKNOWN`."""
        return cls.__members__.get(text.strip().upper(), cls.UNKNOWN)


class Kind(StrEnum):
    """What sort of thing was found."""

    VULNERABILITY = "vulnerability"
    MISCONFIGURATION = "misconfiguration"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    LICENSE = "license"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that one scanner found in one image for one platform."""

    kind: Kind
    """What sort of thing it is."""
    id: str
    """The rule: a CVE, a check, the name of a secret's pattern, a licence."""
    severity: Severity
    """How bad it is, by the scanner's own measure."""
    title: str
    """What it is, in a few words."""
    where: str
    """The file, package list or layer, as the scanner names it."""
    package: str | None = None
    """The package that it is in, where it is in one."""
    version: str | None = None
    """The package's version."""
    fixed_in: str | None = None
    """The version that mends it, where there is one."""
    url: str | None = None
    """Where to read about it."""
    purl: str | None = None
    """The package's URL, where the scanner tells it."""
    published: date | None = None
    """The day on which a vulnerability became known."""
    epss: float | None = None
    """Probability of exploitation in the next 30 days (FIRST's EPSS), 0 to 1."""
    known_exploited: bool = False
    """It is on CISA's list of known exploited vulnerabilities."""
    vex: VexStatus | None = None
    """What an OpenVEX document of others says of it."""
    found_by: tuple[str, ...] = ()
    """The scanners that found it, when there were several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystem:
    """What an image is made of, as a scanner names it."""

    family: str
    """As in `debian`."""
    version: str
    """As in `12.5`."""
    end_of_life: bool = False
    """It gets no security updates any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The vulnerability database that a scanner used."""

    built_at: datetime | None
    """When it was made; nothing where the scanner does not tell."""
    source: str
    """`downloaded`, `mirror` or `directory`; the scanner's own word where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Another scanner that looked at the same image."""

    tool: ToolVersion
    """The scanner."""
    report: str
    """The scanner's full JSON, as a path under the report directory."""
    found: int
    """How many things it found."""
    alone: int
    """How many of them no scanner before it found."""
    database: Database | None = None
    """What it knew, where it has a database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFindings:
    """All findings of one image for one platform, and where the scanner's own report is kept."""

    image: str
    """The image's name."""
    platform: Platform
    """What it was built for."""
    digest: Digest
    """The image's id (the digest of its config), as the scanner read it from what it scanned."""
    findings: tuple[Finding, ...]
    """Worst first, then by kind, id and place: the order does not depend on the scanner."""
    report: str
    """The scanner's full JSON, as a path under the report directory."""
    tool: ToolVersion
    """The scanner."""
    os: OperatingSystem | None = None
    """What the image is made of, where the scanner can tell."""
    database: Database | None = None
    """What the scanner knew, where it has a database."""
    second_opinions: tuple[SecondOpinion, ...] = ()
    """The other scanners; what they found is in `findings`, each thing once."""

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity, worst first, zeroes included."""
        return count(self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The result of the scan stage."""

    targets: tuple[ImageFindings, ...]
    """What was found in each image for each platform."""
    scanners: tuple[str, ...]
    """What was looked for."""
    notes: tuple[str, ...] = ()
    """What was not looked at, and why."""

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity over all images, worst first."""
        return count(finding for target in self.targets for finding in target.findings)


def finding_order(finding: Finding) -> tuple[object, ...]:
    """Return what findings are sorted by: worst first, then by kind, id and place."""
    return (
        -finding.severity, finding.kind, finding.id, finding.where,
        finding.package or "", finding.version or "", finding.title,
    )  # fmt: skip


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings by severity, worst first, zeroes included."""
    counts = {severity.label: 0 for severity in sorted(Severity, reverse=True)}
    for finding in findings:
        counts[finding.severity.label] += 1
    return counts


def found_text(found: Iterable[tuple[str, str]]) -> str:
    """Return what was found, for a person: worst first, licences apart, or `nothing`.

    Args:
        found: The kind and the severity's label of each finding.
    """
    kinds = list(found)
    counts = {severity.label: 0 for severity in sorted(Severity, reverse=True)}
    for kind, label in kinds:
        counts[label] += kind != Kind.LICENSE
    licences = sum(kind == Kind.LICENSE for kind, _ in kinds)
    parts = [f"{number} {label}" for label, number in counts.items() if number]
    if licences:
        parts.append(f"{licences} {'licence' if licences == 1 else 'licences'} to know of")
    return ", ".join(parts) or "nothing"
