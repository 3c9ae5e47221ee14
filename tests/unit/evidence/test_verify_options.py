"""What a reader must tell cosign to verify what was signed."""

from __future__ import annotations

from keelway.evidence.verify_options import verify_options
from keelway.model.signer import KeylessSigner, KeySigner, SignerSpec

KEYLESS = KeylessSigner(token="github://")


def test_a_key_with_a_transparency_log() -> None:
    spec = SignerSpec(who=KeySigner(key="file:///keys/cosign.key"), transparency_log=True)
    assert verify_options(spec, None) == ("--key", "cosign.pub")


def test_a_key_in_a_service_is_named_as_it_is() -> None:
    spec = SignerSpec(who=KeySigner(key="awskms:///alias/release"))
    assert verify_options(spec, None)[:2] == ("--key", "awskms:///alias/release")


def test_a_workflow_is_known_by_its_own_address() -> None:
    workflow = "acme/shop/.github/workflows/release.yml@refs/heads/main"
    issuer = "https://token.actions.githubusercontent.com"
    claims = {"iss": issuer, "sub": "repo:acme/shop", "job_workflow_ref": workflow}
    assert verify_options(SignerSpec(who=KEYLESS), claims) == (
        "--certificate-identity",
        f"https://github.com/{workflow}",
        "--certificate-oidc-issuer",
        issuer,
    )


def test_a_person_is_known_by_the_address_and_a_private_root_is_named_without_its_folder() -> None:
    claims = {"iss": "https://accounts.example.com", "sub": "1", "email": "jo@example.com"}
    spec = SignerSpec(who=KEYLESS, trusted_root="/home/jo/trusted_root.json")
    options = verify_options(spec, claims)
    assert options[1] == "jo@example.com"
    assert options[-2:] == ("--trusted-root", "trusted_root.json")
