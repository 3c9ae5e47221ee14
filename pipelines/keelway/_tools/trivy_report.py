"""What Trivy's JSON says. Apart from what is typed, since a plan reads no report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from keelway.errors import ToolOutputError
from keelway.model.findings import Database, Finding, Kind, OperatingSystem, Severity, finding_order
from keelway.model.image import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA_VERSION = 2


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_pascal, extra="ignore", frozen=True, defer_build=True
    )


# Go writes an empty list as null.
def _or_empty(value: object) -> object:
    return [] if value is None else value


class _Identifier(_Part):
    purl: str = Field(default="", alias="PURL")


class _Vulnerability(_Part):
    id: str = Field(alias="VulnerabilityID")
    pkg_name: str
    installed_version: str = ""
    fixed_version: str = ""
    severity: str = "UNKNOWN"
    title: str = ""
    primary_url: str = Field(default="", alias="PrimaryURL")
    published_date: datetime | None = None
    pkg_identifier: _Identifier = Field(default_factory=_Identifier)


class _Misconfiguration(_Part):
    id: str = Field(alias="ID")
    title: str = ""
    message: str = ""
    severity: str = "UNKNOWN"
    status: str = "FAIL"
    primary_url: str = Field(default="", alias="PrimaryURL")


class _Secret(_Part):
    rule_id: str = Field(alias="RuleID")
    severity: str = "UNKNOWN"
    title: str = ""
    start_line: int = 0


class _License(_Part):
    name: str
    severity: str = "UNKNOWN"
    category: str = ""
    pkg_name: str = ""
    file_path: str = ""
    link: str = ""


class _Result(_Part):
    target: str
    vulnerabilities: Annotated[tuple[_Vulnerability, ...], BeforeValidator(_or_empty)] = ()
    misconfigurations: Annotated[tuple[_Misconfiguration, ...], BeforeValidator(_or_empty)] = ()
    secrets: Annotated[tuple[_Secret, ...], BeforeValidator(_or_empty)] = ()
    licenses: Annotated[tuple[_License, ...], BeforeValidator(_or_empty)] = ()


class _System(_Part):
    family: str = ""
    name: str = ""
    end_of_life: bool = Field(default=False, alias="EOSL")


class _Metadata(_Part):
    os: _System | None = Field(default=None, alias="OS")
    image_id: str = Field(default="", alias="ImageID")


class _Report(_Part):
    schema_version: int
    metadata: _Metadata
    results: Annotated[tuple[_Result, ...], BeforeValidator(_or_empty)] = ()


class _DatabaseMetadata(_Part):
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrivyReport:
    """What is read of a report."""

    image: Digest
    """The scanned image's id."""
    findings: tuple[Finding, ...]
    """Worst first, each thing once."""
    os: OperatingSystem | None


def parse_database(text: str, source: str) -> Database:
    """Return what Trivy's `metadata.json` says about its database.

    Raises:
        ToolOutputError: When the text is none.
    """
    try:
        metadata = _DatabaseMetadata.model_validate_json(text)
    except ValidationError as error:
        raise ToolOutputError(
            "db/metadata.json of Trivy's database cannot be read",
            stage="scan",
            text=text,
            why=str(error),
            next_step="fetch the database again, or name another directory in scan.database",
        ) from error
    return Database(built_at=metadata.updated_at, source=source)


def parse_report(text: str, *, tarball: str, name: str) -> TrivyReport:
    """Return the scanned image's id, its system, and what was found.

    Args:
        text: The report.
        tarball: What was scanned, which the report names where it means the image itself.
        name: What to say instead.

    Raises:
        ToolOutputError: When the text is not the report of an image in the known version.
    """
    try:
        report = _Report.model_validate_json(text)
    except ValidationError as error:
        raise ToolOutputError(
            "trivy wrote a report that cannot be read", stage="scan", text=text, why=str(error)
        ) from error
    if report.schema_version != _SCHEMA_VERSION:
        raise ToolOutputError(
            f"trivy wrote version {report.schema_version} of its report, not {_SCHEMA_VERSION}",
            stage="scan",
            text=text,
        )
    found = {
        finding
        for result in report.results
        for finding in _findings(result, result.target.replace(tarball, name))
    }
    system = report.metadata.os
    return TrivyReport(
        image=Digest(report.metadata.image_id),
        findings=tuple(sorted(found, key=finding_order)),
        os=None
        if system is None or not system.family
        else OperatingSystem(
            family=system.family, version=system.name, end_of_life=system.end_of_life
        ),
    )


def _findings(result: _Result, target: str) -> Iterator[Finding]:
    for vulnerability in result.vulnerabilities:
        yield Finding(
            kind=Kind.VULNERABILITY,
            id=vulnerability.id,
            severity=Severity.parse(vulnerability.severity),
            title=vulnerability.title,
            where=target,
            package=vulnerability.pkg_name,
            version=vulnerability.installed_version or None,
            fixed_in=vulnerability.fixed_version or None,
            url=vulnerability.primary_url or None,
            purl=vulnerability.pkg_identifier.purl or None,
            published=None
            if vulnerability.published_date is None
            else vulnerability.published_date.date(),
        )
    for check in result.misconfigurations:
        if check.status == "FAIL":
            yield Finding(
                kind=Kind.MISCONFIGURATION,
                id=check.id,
                severity=Severity.parse(check.severity),
                title=check.title or check.message,
                where=target,
                url=check.primary_url or None,
            )
    for secret in result.secrets:
        yield Finding(
            kind=Kind.SECRET,
            id=secret.rule_id,
            severity=Severity.parse(secret.severity),
            title=secret.title,
            where=f"{target}:{secret.start_line}",
        )
    for licence in result.licenses:
        yield Finding(
            kind=Kind.LICENSE,
            id=licence.name,
            severity=Severity.parse(licence.severity),
            title=licence.category,
            where=licence.file_path or target,
            package=licence.pkg_name or None,
            url=licence.link or None,
        )
