"""[sign] and [attest]: signatures, and what is said under them."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keelway.config.section import SecretSource, Section, Text, Variable

LayoutText = Literal["referrer", "legacy"]
PredicateText = Literal[
    "provenance", "spdx", "cyclonedx", "vulnerabilities", "openvex", "test-result", "summary"
]


class SignConfig(Section):
    """Who signs what is published, and how."""

    enabled: bool = False
    """Whether images are signed at all."""
    key: Text | None = None
    """Private key: a path, `env://NAME`, or a KMS URI (`awskms://`, `gcpkms://`, `azurekms://`,
    `hashivault://`). Without one, signing is keyless: with the identity that the CI proves.
    """
    password: SecretSource | None = None
    """Password of the key; none when the key has none."""
    public_key: Text | None = None
    """Where the public key is, for `keelway verify`; made from `key` when absent."""
    layouts: Annotated[tuple[LayoutText, ...], Field(min_length=1)] = ("referrer",)
    """How signatures are kept in the registry; `"legacy"` for verifiers older than cosign 3."""
    transparency_log: bool | None = None
    """Whether it is entered into a transparency log: by default keyless is, a key is not."""
    trusted_root: Text | None = None
    """Trusted root of a private Sigstore."""
    signing_config: Text | None = None
    """Services of a private Sigstore."""
    identity_token: SecretSource | None = None
    """The token that proves the identity, where the CI's own is not to be used."""

    variables: tuple[Variable, ...] = ()
    """Environment variables that a KMS needs, as in `["AWS_ACCESS_KEY_ID"]`; given as secrets."""

    @model_validator(mode="after")
    def _password_needs_key(self) -> Self:
        if self.password is not None and self.key is None:
            msg = "password belongs to a key: set key too, or remove password"
            raise ValueError(msg)
        return self


class AttestConfig(Section):
    """What is stated about each published image, signed as `[sign]` tells."""

    enabled: bool = True
    """Whether statements are made; without `[sign]` there are none."""
    predicates: tuple[PredicateText, ...] = (
        "provenance", "spdx", "cyclonedx", "vulnerabilities", "openvex", "test-result", "summary",
    )  # fmt: skip
    """What is stated; what a skipped stage would have given is left out, and said."""
    public_build_args: tuple[Text, ...] = ()
    """Build arguments whose values the provenance may show."""


class VerifyConfig(Section):
    """What `keelway verify` asks of an image."""

    identity: Text | None = None
    """Exact identity of a keyless signature's certificate."""
    issuer: Text | None = None
    """Exact OIDC issuer of it."""
    source: Text | None = None
    """Repository that the provenance must name, as its URL."""
    builders: tuple[Text, ...] = ()
    """`builder.id`s that may have built it; any when empty."""
    sboms: tuple[Literal["spdx", "cyclonedx"], ...] = ("spdx",)
    """SBOMs that must be there for each platform."""
    max_scan_age_days: Annotated[int, Field(ge=1)] | None = 30
    """How old the scan may be."""
    parameters: Mapping[Text, str] = {}
    """External parameters that the provenance must have, with these values."""
