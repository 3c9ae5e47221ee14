"""[scan]: what images are searched for."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keelway.config.section import Name, SecretSource, Section, Text

Scanner = Literal["vuln", "secret", "misconfig", "license"]
SecondScanner = Literal["grype", "snyk"]


class ImageScanConfig(Section):
    """What differs for one image."""

    scanners: tuple[Scanner, ...] | None = None
    """What is looked for in it; what is looked for in all when absent."""
    second_opinion: tuple[SecondScanner, ...] | None = None
    """Who looks for vulnerabilities in it after Trivy; who looks at all when absent."""


class ScanConfig(Section):
    """Scanning, by Trivy and others; `[gate]` judges what is found."""

    enabled: bool = True
    """Whether images are scanned at all."""
    scanners: tuple[Scanner, ...] = ("vuln", "secret", "misconfig", "license")
    """What is looked for."""
    database: Text = "download"
    """Vulnerability database: `"download"`, `"none"`, or the path of a Trivy cache directory.

    With `"none"` the scanner `vuln` is skipped, and the plan and the report say so.
    """
    database_mirrors: tuple[Text, ...] = ()
    """Repositories that Trivy's database is downloaded from, in this order; its own when empty."""
    second_opinion: tuple[SecondScanner, ...] = ()
    """Scanners that look for vulnerabilities after Trivy; what several find counts once."""
    grype_database: Text = "download"
    """Grype's database: `"download"`, or the path of a Grype cache directory."""
    snyk_token: SecretSource | None = None
    """Token of Snyk's service, which must be set to use it: `env://NAME`, `file://PATH` or so."""
    snyk_optional: bool = False
    """Whether Snyk is left out, and that is told, where its token is not there; else it is an
    error."""
    timeout_s: Annotated[int, Field(ge=1)] = 1800
    """Seconds after which the scan of one image by one scanner is given up."""
    images: Mapping[Name, ImageScanConfig] = {}
    """What differs for single images, by name."""

    def second_of(self, image: str) -> tuple[SecondScanner, ...]:
        """Return who looks at an image after Trivy."""
        own = self.images[image].second_opinion if image in self.images else None
        return self.second_opinion if own is None else own

    @model_validator(mode="after")
    def _snyk_has_a_token(self) -> Self:
        asked = [self.second_opinion, *map(self.second_of, self.images)]
        if any("snyk" in names for names in asked) and self.snyk_token is None:
            msg = 'second_opinion = ["snyk"] needs snyk_token, the address of a secret'
            raise ValueError(msg)
        if self.database_mirrors and self.database != "download":
            msg = 'database_mirrors are only used with database = "download"'
            raise ValueError(msg)
        return self
