"""What `cosign verify` must be told to accept what we signed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.evidence.claims import proved_builder, subject_of
from keelway.model.provenance import Builder
from keelway.model.signer import KeySigner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.model.signer import SignerSpec

PUBLIC_KEY = "cosign.pub"
"""What `cosign generate-key-pair` calls the public key, which only its owner can place."""


def verify_options(spec: SignerSpec, claims: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the options, for the command line.

    Args:
        spec: Who signs.
        claims: What the identity token says, where an identity signs.

    >>> from keelway.model.signer import KeySigner, SignerSpec
    >>> verify_options(SignerSpec(who=KeySigner(key="env://COSIGN_KEY")), None)
    ('--key', 'cosign.pub', '--insecure-ignore-tlog=true')
    """
    return tuple(_options(spec, claims or {}))


def _options(spec: SignerSpec, claims: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(spec.who, KeySigner):
        yield from ("--key", spec.who.key if spec.who.in_kms else PUBLIC_KEY)
        if not spec.transparency_log:
            yield "--insecure-ignore-tlog=true"
    else:
        yield from ("--certificate-identity", certificate_identity(claims))
        yield from ("--certificate-oidc-issuer", str(claims.get("iss") or ""))
    if spec.trusted_root is not None:
        yield from ("--trusted-root", spec.trusted_root.rpartition("/")[2])


def certificate_identity(claims: Mapping[str, Any]) -> str:
    """Return the name that Fulcio writes into a certificate for a token.

    Fulcio's `docs/oidc.md`: for a workflow of GitHub or GitLab that is the workflow's own address.

    >>> certificate_identity({"ci_config_ref_uri": "gitlab.com/acme/shop//.gitlab-ci.yml@main"})
    'https://gitlab.com/acme/shop//.gitlab-ci.yml@main'
    """
    if claims.get("job_workflow_ref"):
        return proved_builder(claims, Builder(id="", kind="ci")).id
    if claims.get("ci_config_ref_uri"):
        return f"https://{claims['ci_config_ref_uri']}"
    return subject_of(claims)
