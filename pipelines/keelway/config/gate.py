"""[gate]: what stops a release, and what is excepted."""

from typing import Annotated, Literal

from pydantic import Field

from keelway.config.section import Section, Text

FailOn = Literal["low", "medium", "high", "critical", "never"]


class LicenseConfig(Section):
    """Which licences may be in an image, as SPDX identifiers or shell patterns of them."""

    allowed: tuple[Text, ...] = ()
    """Only these; any when empty."""
    denied: tuple[Text, ...] = ()
    """Never these, whatever is allowed."""


class GateConfig(Section):
    """What stops a release: a finding that meets `severity` and all narrower conditions."""

    severity: FailOn = "high"
    """Findings of this severity and above stop the release; `"never"` only reports them."""
    only_fixable: bool = False
    """Whether vulnerabilities without a fixed version are let through."""
    epss: Annotated[float, Field(ge=0, le=1)] | None = None
    """Vulnerabilities this likely to be exploited (EPSS probability) stop it at any severity."""
    kev: bool = True
    """Whether vulnerabilities known to be exploited (CISA's KEV list) stop it at any severity."""
    end_of_life: bool = True
    """Whether an operating system without security support stops it."""
    max_database_age_days: Annotated[int, Field(ge=1)] | None = 7
    """How old the vulnerability database may be."""
    grace_days: Annotated[int, Field(ge=0)] = 0
    """Days after its publication in which a vulnerability is only reported."""
    tests: bool = True
    """Whether a failed test stops a release."""
    licenses: LicenseConfig = Field(default_factory=LicenseConfig)
    """Licences; without any pattern they are listed, not judged."""
    exceptions: Text = "keelway-exceptions.toml"
    """File of granted exceptions; there are none where it does not exist."""
    max_exception_days: Annotated[int, Field(ge=1)] = 365
    """How far ahead an exception may expire."""
    strict_exceptions: bool = False
    """Whether an exception that matches nothing stops the release, instead of a warning."""
    vex: tuple[Text, ...] = ()
    """OpenVEX documents of others: `not_affected` and `fixed` in them count as exceptions."""
    threat_data: Text | None = None
    """Directory with `epss_scores.csv[.gz]` and `known_exploited_vulnerabilities.json`."""
