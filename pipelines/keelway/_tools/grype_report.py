"""What Grype's JSON says. Apart from what is typed, since a plan reads no report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from keelway.errors import ToolOutputError
from keelway.model.findings import Database, Finding, Kind, Severity, finding_order

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, defer_build=True
    )


# Go writes an empty list as null.
def _or_empty(value: object) -> object:
    return [] if value is None else value


class _Probability(_Part):
    epss: float


class _Exploited(_Part):
    cve: str


class _Fix(_Part):
    versions: Annotated[tuple[str, ...], BeforeValidator(_or_empty)] = ()
    state: str = ""


class _Vulnerability(_Part):
    id: str
    severity: str = "Unknown"
    data_source: str = ""
    description: str = ""
    fix: _Fix = Field(default_factory=_Fix)
    epss: Annotated[tuple[_Probability, ...], BeforeValidator(_or_empty)] = ()
    known_exploited: Annotated[tuple[_Exploited, ...], BeforeValidator(_or_empty)] = ()


class _Location(_Part):
    path: str = ""


class _Artifact(_Part):
    name: str
    version: str = ""
    purl: str = ""
    locations: Annotated[tuple[_Location, ...], BeforeValidator(_or_empty)] = ()


class _Match(_Part):
    vulnerability: _Vulnerability
    artifact: _Artifact


class _Status(_Part):
    built: datetime | None = None


class _DatabasePart(_Part):
    status: _Status | None = None
    built: datetime | None = None


class _Descriptor(_Part):
    name: str = ""
    db: _DatabasePart | None = None


class _Report(_Part):
    matches: tuple[_Match, ...]
    descriptor: _Descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class GrypeReport:
    """What is read of a report."""

    findings: tuple[Finding, ...]
    """Worst first, each thing once."""
    database_built_at: datetime | None

    def database(self, source: str) -> Database:
        """Return the database that was used."""
        return Database(built_at=self.database_built_at, source=source)


# Grype's `negligible` is below every rule's lowest step.
_SEVERITIES: Mapping[str, Severity] = {"NEGLIGIBLE": Severity.LOW}


def parse_report(text: str) -> GrypeReport:
    """Return what was found.

    Raises:
        ToolOutputError: When the text is no report of Grype's.
    """
    try:
        report = _Report.model_validate_json(text)
    except ValidationError as error:
        raise ToolOutputError(
            "grype wrote a report that cannot be read", stage="scan", text=text, why=str(error)
        ) from error
    found = {_finding(match) for match in report.matches}
    database = report.descriptor.db
    built = None
    if database is not None:
        built = database.built if database.status is None else database.status.built
    return GrypeReport(findings=tuple(sorted(found, key=finding_order)), database_built_at=built)


def _finding(match: _Match) -> Finding:
    vulnerability, artifact = match.vulnerability, match.artifact
    word = vulnerability.severity.upper()
    return Finding(
        kind=Kind.VULNERABILITY,
        id=vulnerability.id,
        severity=_SEVERITIES.get(word) or Severity.parse(word),
        title=vulnerability.description.partition("\n")[0],
        where=artifact.locations[0].path if artifact.locations else artifact.name,
        package=artifact.name,
        version=artifact.version or None,
        fixed_in=", ".join(vulnerability.fix.versions) or None,
        url=vulnerability.data_source or None,
        purl=artifact.purl or None,
        epss=max((one.epss for one in vulnerability.epss), default=None),
        known_exploited=bool(vulnerability.known_exploited),
    )
