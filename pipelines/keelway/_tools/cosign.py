"""cosign: what to type.

It signs statements and payloads that are files, and never talks to a registry here: what it signs
is kept by keelway itself, so it needs no login. Without a network it is told so by an empty
signing configuration and an empty trusted root, else it would look for the public ones.

Example:
    >>> attest_argv("/in/statement.json", "/work/bundle.json", key="/key")[:3]
    ('attest-blob', '--statement', '/in/statement.json')
"""

from __future__ import annotations

from keelway._tools.tool import Tool

COSIGN = Tool(
    name="cosign",
    minimum=(3, 0, 3),
    package="",
    version_argv=("version",),
    install="`CGO_ENABLED=0 go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3`, static",
)

PASSWORD_VARIABLE = "COSIGN_PASSWORD"  # noqa: S105 - a variable's name
TOKEN_VARIABLE = "SIGSTORE_ID_TOKEN"  # noqa: S105 - a variable's name

NO_SERVICES = (
    '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json",'
    '"rekorTlogConfig":{},"tsaConfig":{}}'
)
"""A signing configuration that names no service at all."""
NO_TRUST = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'
"""A trusted root without any authority: a signer needs none."""


def attest_argv(
    statement: str,
    bundle: str,
    *,
    key: str | None = None,
    signing_config: str | None = None,
    trusted_root: str | None = None,
) -> tuple[str, ...]:
    """Return what signs an in-toto statement.

    Args:
        statement: File of the statement.
        bundle: File to write the Sigstore bundle to.
        key: A file, `env://NAME` or a KMS URI; keyless without one.
        signing_config: File that names the services; Sigstore's public ones without it.
        trusted_root: File of the authorities; Sigstore's public ones without it.
    """
    return (
        "attest-blob", "--statement", statement,
        *_options(bundle, key, signing_config, trusted_root),
    )  # fmt: skip


def sign_argv(
    payload: str,
    bundle: str,
    *,
    key: str | None = None,
    signing_config: str | None = None,
    trusted_root: str | None = None,
) -> tuple[str, ...]:
    """Return what signs the bytes of a file; arguments as of `attest_argv`."""
    return ("sign-blob", *_options(bundle, key, signing_config, trusted_root), payload)


def public_key_argv(key: str) -> tuple[str, ...]:
    """Return what prints the public half of a key, as PEM."""
    return ("public-key", "--key", key)


def _options(
    bundle: str, key: str | None, signing_config: str | None, trusted_root: str | None
) -> tuple[str, ...]:
    return (
        "--bundle", bundle, "--yes",
        *(() if key is None else ("--key", key)),
        *(() if signing_config is None else ("--signing-config", signing_config)),
        *(() if trusted_root is None else ("--trusted-root", trusted_root)),
    )  # fmt: skip
