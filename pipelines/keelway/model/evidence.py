"""Signatures and attestations about what was published."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from keelway.model.image import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.image import Digest
    from keelway.model.platform import Platform
    from keelway.model.tool import ToolVersion


class PredicateType(StrEnum):
    """What a statement says; each is defined by the page it names, or by in-toto's catalogue.

    `PROMOTION` is keelway's own: `docs/how-to/promote.md` tells what is in it.
    """

    COSIGN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
    PROVENANCE = "https://slsa.dev/provenance/v1"
    SPDX = "https://spdx.dev/Document"
    CYCLONEDX = "https://cyclonedx.org/bom"
    VULNERABILITIES = "https://cosign.sigstore.dev/attestation/vuln/v1"
    OPENVEX = "https://openvex.dev/ns"
    TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
    VERIFICATION_SUMMARY = "https://slsa.dev/verification_summary/v1"
    PROMOTION = "urn:keelway:promotion:v1"


class Layout(StrEnum):
    """How evidence is kept beside an image in its repository."""

    REFERRER = "referrer"
    """A Sigstore bundle as OCI 1.1 referrer; listed by a tag where there is no referrers API."""
    LEGACY = "legacy"
    """The tags `sha256-<hex>.sig` and `.att`, for verifiers older than cosign 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One digest that something is said about: an index, or one platform's manifest."""

    image: str
    """The image's name."""
    platform: Platform | None
    """None for the index."""
    digest: Digest
    """What is signed."""
    repositories: tuple[str, ...]
    """Where it is published, `host[:port]/path`."""

    @property
    def label(self) -> str:
        """Return what people read: `orders (linux/amd64)`, or `orders` for the index."""
        return self.image if self.platform is None else f"{self.image} ({self.platform})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is said about a subject, before it is signed (in-toto Statement v1)."""

    subject: Subject
    predicate_type: PredicateType
    predicate: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One signed statement, as it is kept in one repository."""

    subject: Subject
    """What it is about."""
    predicate_type: PredicateType
    """What sort of statement it is."""
    repository: str
    """Where it is kept."""
    layout: Layout
    """How it is kept there."""
    digest: Digest
    """Of the manifest that holds it."""
    fallback_tag: bool = False
    """The registry has no referrers API; the tag `sha256-<hex>` lists it."""

    @property
    def reference(self) -> Reference:
        """Return the reference of the manifest that holds it."""
        return Reference(f"{self.repository}@{self.digest}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """The result of the sign stage."""

    signed: tuple[Evidence, ...]
    """Where each signature is kept."""
    signer: str
    """Who signed, in words that a verifier can use: a key's fingerprint, or identity and issuer."""
    tool: ToolVersion
    """What signed."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""
    verify_with: tuple[str, ...] = ()
    """What `cosign verify` must be told before the image's reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestations:
    """The result of the attest stage."""

    attested: tuple[Evidence, ...]
    """Where each statement is kept."""
    signer: str
    """Who signed, for people: a key's digest, or an identity."""
    tool: ToolVersion
    """What signed."""
    notes: tuple[str, ...] = ()
    """What was not stated, and why."""
