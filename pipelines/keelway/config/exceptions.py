"""`keelway-exceptions.toml`: what the team lets pass for a time, for all scanners and the policy.

[[exception]]
id = "CVE-2024-0001"
purl = "pkg:deb/debian/openssl*"
reason = "the TLS server is not used"
owner = "platform"
expires = 2026-01-31
vex_status = "not_affected"
justification = "vulnerable_code_not_in_execute_path"
"""

from datetime import date
from typing import Literal, Self

from pydantic import model_validator

from keelway.config.document import read_document
from keelway.config.section import Section, Text
from keelway.model.exemption import Exemption, Scope, VexStatus

EXCEPTIONS_FILE = "keelway-exceptions.toml"

Justification = Literal[
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]


class ExceptionConfig(Section):
    """One exception."""

    id: Text | None = None
    """What a scanner calls it: a CVE, a check, a secret rule, a licence."""
    rule: Text | None = None
    """A rule of the policy, in place of `id`."""
    image: Text | None = None
    """Only in images of this name; shell patterns are allowed here and below."""
    platform: Text | None = None
    """Only for this platform."""
    purl: Text | None = None
    """Only in this package, by its package URL, with or without version."""
    path: Text | None = None
    """Only in this file."""
    reason: Text
    """Why it may pass."""
    owner: Text
    """Who answers for it."""
    expires: date
    """The last day on which it holds."""
    vex_status: Literal["not_affected", "affected", "fixed", "under_investigation"] | None = None
    """What to publish about it as OpenVEX."""
    justification: Justification | None = None
    """Why the image is not affected, in OpenVEX's words."""

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.id is None) == (self.rule is None):
            msg = "give either id (a scanner's) or rule (the policy's)"
            raise ValueError(msg)
        if self.justification is not None and self.vex_status != "not_affected":
            msg = 'justification belongs to vex_status = "not_affected"'
            raise ValueError(msg)
        return self


class ExceptionsFile(Section):
    """All of `keelway-exceptions.toml`."""

    exception: tuple[ExceptionConfig, ...] = ()
    """The exceptions."""


def parse_exceptions(text: str, file: str = EXCEPTIONS_FILE) -> tuple[Exemption, ...]:
    """Return the exceptions of a file, in its order.

    Raises:
        ConfigError: The file is wrong; names line, key and what was meant.

    >>> parse_exceptions('''
    ... [[exception]]
    ... id = "CVE-2024-0001"
    ... reason = "not reachable"
    ... owner = "platform"
    ... expires = 2026-01-31
    ... ''')[0].origin
    'keelway-exceptions.toml:2'
    """
    document = read_document(text, file, ExceptionsFile)
    return tuple(
        _exemption(written, f"{file}:{document.place.line(('exception', index))}")
        for index, written in enumerate(document.value.exception)
    )


def _exemption(written: ExceptionConfig, origin: str) -> Exemption:
    status = None if written.vex_status is None else VexStatus(written.vex_status)
    return Exemption(
        id=written.id or written.rule or "",
        reason=written.reason,
        owner=written.owner,
        expires=written.expires,
        scope=Scope(
            image=written.image, purl=written.purl, path=written.path, platform=written.platform
        ),
        vex_status=status,
        justification=written.justification,
        of_policy=written.rule is not None,
        origin=origin,
    )
