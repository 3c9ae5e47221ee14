"""Who signs, decided; never the key or the token itself."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.model.tool import HostTool, ToolSource

KMS_SCHEMES = ("awskms", "gcpkms", "azurekms", "hashivault")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySigner:
    """A private key signs."""

    key: str
    """Where the key is: `file:///PATH`, `env://NAME`, or a KMS URI."""
    password: str | None = None
    """Where its password is read; none when it has none."""

    @property
    def in_kms(self) -> bool:
        """Whether the key never leaves its service."""
        return self.key.partition("://")[0] in KMS_SCHEMES


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessSigner:
    """The identity that the CI, or the user, proves by a token signs."""

    token: str
    """Where the token is: `github://`, which asks the job's own service, or a secret's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerSpec:
    """Who signs, with which services."""

    who: KeySigner | KeylessSigner
    """A key, or an identity."""
    tool: ToolSource = HostTool(path="cosign")  # noqa: RUF009 - frozen
    """Where cosign comes from."""
    signing_config: str | None = None
    """File that names a private Sigstore's services."""
    trusted_root: str | None = None
    """File of a private Sigstore's authorities."""
    transparency_log: bool = False
    """Whether a key's signatures are entered into a transparency log; keyless ones are."""
    variables: tuple[str, ...] = ()
    """Environment variables that a KMS needs to let us in; given as secrets."""
