"""What Snyk's JSON says. Apart from what is typed, since a plan reads no report."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from keelway.errors import ToolOutputError
from keelway.model.findings import Finding, Kind, Severity, finding_order

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, defer_build=True
    )


class _Identifiers(_Part):
    cve: tuple[str, ...] = Field(default=(), alias="CVE")


class _Vulnerability(_Part):
    id: str
    title: str = ""
    severity: str = "unknown"
    package_name: str = ""
    version: str = ""
    nearest_fixed_in_version: str | None = None
    fixed_in: tuple[str, ...] = ()
    publication_time: datetime | None = None
    identifiers: _Identifiers = Field(default_factory=_Identifiers)


def _as_list(value: object) -> object:
    """Applications in the image are projects of their own: one or a list of them."""
    return cast("list[object]", value) if isinstance(value, list) else [value]


class _Project(_Part):
    vulnerabilities: tuple[_Vulnerability, ...]
    display_target_file: str = ""
    applications: tuple[_Project, ...] = ()


_REPORT: TypeAdapter[tuple[_Project, ...]] = TypeAdapter(
    Annotated[tuple[_Project, ...], BeforeValidator(_as_list)]
)


def parse_report(text: str) -> tuple[Finding, ...]:
    """Return what was found, worst first, each thing once; by CVE where it has one.

    Raises:
        ToolOutputError: When the text is no report of Snyk's.
    """
    try:
        projects = _REPORT.validate_json(text)
    except ValidationError as error:
        raise ToolOutputError(
            "snyk wrote a report that cannot be read", stage="scan", text=text, why=str(error)
        ) from error
    found = {finding for project in projects for finding in _findings(project)}
    return tuple(sorted(found, key=finding_order))


def _findings(project: _Project) -> Iterator[Finding]:
    for one in project.vulnerabilities:
        for name in one.identifiers.cve or (one.id,):
            yield Finding(
                kind=Kind.VULNERABILITY,
                id=name,
                severity=Severity.parse(one.severity),
                title=one.title,
                where=project.display_target_file or "OS packages",
                # Snyk names Debian's packages "source/binary".
                package=one.package_name.rpartition("/")[2] or None,
                version=one.version or None,
                fixed_in=one.nearest_fixed_in_version or ", ".join(one.fixed_in) or None,
                url=f"https://security.snyk.io/vuln/{one.id}",
                published=None if one.publication_time is None else one.publication_time.date(),
            )
    for application in project.applications:
        yield from _findings(application)
