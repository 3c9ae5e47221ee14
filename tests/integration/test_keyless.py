"""Signatures by an identity, on a private Sigstore of real parts, without any log."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio
import pytest

import keelway as kw
from keelway.errors import KeelwayError, ToolError
from keelway.model.evidence import Layout, PredicateType
from keelway.model.signer import KeylessSigner, SignerSpec
from keelway.model.tool import HostTool
from keelway.stages.attest import attest
from keelway.stages.sign import SignSpec, sign
from keelway.verification.checks import Demands
from keelway.verification.identity import identity_trust
from keelway.verification.verify import VerifySpec, verify_image
from tests.support.attested import attest_spec, make_images, make_verified
from tests.support.missing import need
from tests.support.private_sigstore import CLAIMS, Sigstore, running_sigstore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import Registry

START = "import sys; from keelway._cli.program import main; sys.exit(main())"
REUSED = "acme/workflows/.github/workflows/release.yml@refs/tags/v1"
# cosign takes the rest of what it needs from the trusted root.
NO_LOGS = ("--insecure-ignore-tlog=true", "--insecure-ignore-sct", "--use-signed-timestamps")
STATEMENTS = {
    "slsaprovenance1": False, "openvex": False, PredicateType.TEST_RESULT.value: False,
    PredicateType.VERIFICATION_SUMMARY.value: False, "spdxjson": True, "cyclonedx": True,
    "vuln": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sigstore]:
    with running_sigstore(tmp_path_factory.mktemp("sigstore")) as running:
        yield running


# What does not depend on the registry is asked once.
on_one_registry = pytest.mark.parametrize("any_registry", ["without referrers API"], indirect=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An image that a reused workflow signed and attested."""

    repository: str
    digests: tuple[str, ...]
    """The index first."""
    sigstore: Sigstore

    @property
    def identity(self) -> str:
        return f"{self.sigstore.issuer}/{REUSED}"


def signer(sigstore: Sigstore, token: Path) -> SignerSpec:
    return SignerSpec(
        who=KeylessSigner(token=f"file://{token}"),
        tool=HostTool(path=need("cosign", package="cosign, by scripts/go-tools")),
        signing_config=str(sigstore.signing_config),
        trusted_root=str(sigstore.trusted_root),
        transparency_log=True,
    )


@pytest.fixture(scope="module")
def released(
    sigstore: Sigstore, any_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Released:
    folder = tmp_path_factory.mktemp("release")
    token, repository = folder / "token", f"{any_registry.address}/demo/keyless"
    token.write_text(sigstore.token(job_workflow_ref=REUSED))

    async def release() -> tuple[str, ...]:
        async with kw.open_session() as session:
            run = kw.Run(session.client)
            images, published = await make_images(run, repository)
            spec = replace(
                attest_spec(folder, "cosign", folder / "reports", (Layout.REFERRER,)),
                signer=signer(sigstore, token),
            )
            made = await sign(run, SignSpec(signer=spec.signer), published)
            assert made.signer == f"{CLAIMS['sub']} (keyless)"
            await attest(run, spec, published, make_verified(images, folder / "reports"))
            return tuple(one.subject.digest for one in made.signed)

    return Released(repository=repository, digests=anyio.run(release), sigstore=sigstore)


def cosign(released: Released, command: str, *words: str) -> str:
    """Return what stock cosign prints of an image that it accepts."""
    done = subprocess.run(
        [need("cosign", package="cosign, by scripts/go-tools"), command,
         "--certificate-identity", released.identity,
         "--certificate-oidc-issuer", released.sigstore.issuer,
         "--trusted-root", released.sigstore.trusted_root,
         *NO_LOGS, "--allow-http-registry", *words],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def trusting(
    released: Released, *, identity: str | None = None, issuer: str | None = None
) -> VerifySpec:
    return VerifySpec(
        trust=identity_trust(
            identity or released.identity,
            issuer or released.sigstore.issuer,
            cosign=need("cosign", package="cosign, by scripts/go-tools"),
            trusted_root=released.sigstore.trusted_root,
            transparency_log=True,
        ),
        demands=Demands(
            builders=(released.identity,), sboms=("spdx", "cyclonedx"), max_scan_age_days=100_000
        ),
    )


def test_stock_cosign_accepts_every_piece_by_identity(released: Released) -> None:
    index, platform, _ = released.digests
    for digest in released.digests:
        cosign(released, "verify", f"{released.repository}@{digest}")
    for kind, of_platform in STATEMENTS.items():
        digest = platform if of_platform else index
        reference = f"{released.repository}@{digest}"
        assert cosign(released, "verify-attestation", "--type", kind, reference), kind


async def test_keelway_accepts_it_too(released: Released) -> None:
    result = await verify_image(f"{released.repository}:1", trusting(released))
    assert result.reasons() == ()
    assert result.passed


@on_one_registry
def test_the_builder_is_who_the_token_says(released: Released) -> None:
    reference = f"{released.repository}@{released.digests[0]}"
    said = cosign(released, "verify-attestation", "--type", "slsaprovenance1", reference)
    payload = json.loads(base64.b64decode(json.loads(said.splitlines()[0])["payload"]))
    run = payload["predicate"]["runDetails"]
    assert run["builder"]["id"] == released.identity
    assert run["metadata"]["invocationId"].endswith("/acme/shop/actions/runs/77/attempts/2")


@on_one_registry
@pytest.mark.parametrize("wrong", ["identity", "issuer"])
async def test_another_identity_or_issuer_proves_nothing(released: Released, wrong: str) -> None:
    other = {"identity": f"{released.identity}x", "issuer": "https://issuer.example.com"}
    spec = trusting(released, **{wrong: other[wrong]})
    result = await verify_image(f"{released.repository}:1", spec)
    assert not any(one.passed for one in result.checks)
    assert any("CertificateIdentity found" in line and "got" in line for line in result.refused)


@on_one_registry
def test_an_operator_asks_by_the_configuration(released: Released, tmp_path: Path) -> None:
    config = tmp_path / "keelway.toml"
    config.write_text(
        '[project]\nname = "orders"\n[images.orders]\n'
        f'[sign]\ntrusted_root = "{released.sigstore.trusted_root}"\n'
        f'[verify]\nidentity = "{released.identity}"\nissuer = "{released.sigstore.issuer}"\n'
    )
    folder = need("cosign", package="cosign, by scripts/go-tools").rpartition("/")[0]
    words = ["verify", f"{released.repository}:1", "--signature-only", "--config", str(config)]
    done = subprocess.run(
        [sys.executable, "-c", START, *words],
        env={"PATH": folder, "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("signature     is good") == 3


@on_one_registry
@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"lasts_s": -5}, "the identity token has expired"),
        ({"aud": "somebody else"}, "the certificate authority refuses the identity token"),
        ({"iss": "http://127.0.0.1:1"}, "the certificate authority refuses the identity token"),
    ],
    ids=["expired", "for somebody else", "of an unknown issuer"],
)
async def test_a_token_that_is_refused_is_told_as_such(
    released: Released, tmp_path: Path, claims: dict[str, object], why: str
) -> None:
    token = tmp_path / "token"
    token.write_text(released.sigstore.token(**claims))  # type: ignore[arg-type]  # claims by name
    async with kw.open_session() as session:
        run = kw.Run(session.client)
        _, published = await make_images(run, released.repository)
        spec = SignSpec(signer=signer(released.sigstore, token))
        with pytest.raises(KeelwayError) as raised:
            await sign(run, spec, published)
    told = raised.value.diagnostics()
    assert why in told
    assert token.read_text() not in told
    assert released.sigstore.token().split(".")[0] not in told
    if isinstance(raised.value, ToolError):
        assert not any("ey" in word for word in raised.value.command or ())
