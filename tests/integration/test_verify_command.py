"""`keelway verify` as an operator types it, on a machine without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import keelway as kw
from keelway.model.evidence import Layout
from keelway.stages.attest import attest
from keelway.stages.sign import SignSpec, sign
from tests.support.attested import attest_spec, make_images, make_verified
from tests.support.missing import need
from tests.support.registry import running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = "import sys; from keelway._cli.program import main; sys.exit(main())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An image in a registry, with the public key of who signed it."""

    repository: str
    digest: str
    folder: Path

    def verify(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `keelway verify` without a session, an engine or any program on PATH."""
        return subprocess.run(
            [sys.executable, "-c", START, "verify", *words],
            cwd=self.folder, env={"PATH": "/nonexistent", "HOME": str(self.folder)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    cosign = need("cosign", package="cosign, by scripts/go-tools")
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(
        [cosign, "generate-key-pair"], cwd=folder, check=True, capture_output=True,
        env={**os.environ, "COSIGN_PASSWORD": ""},
    )  # fmt: skip
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        repository = f"{registry.address}/demo/orders"

        async def release() -> str:
            async with kw.open_session() as session:
                run = kw.Run(session.client)
                images, published = await make_images(run, repository)
                reports = folder / "reports"
                spec = attest_spec(folder, cosign, reports, (Layout.REFERRER,))
                spec = replace(spec, epoch=int(time.time()))
                await sign(run, SignSpec(signer=spec.signer), published)
                await attest(run, spec, published, make_verified(images, reports))
                return published.images[0].digest

        yield Released(repository=repository, digest=anyio.run(release), folder=folder)


@pytest.mark.parametrize("by", ["tag", "digest", "both"])
def test_a_good_image_verifies_in_a_few_seconds(released: Released, by: str) -> None:
    name = {
        "tag": f"{released.repository}:1",
        "digest": f"{released.repository}@{released.digest}",
        "both": f"{released.repository}:1@{released.digest}",
    }[by]
    began = time.monotonic()
    done = released.verify(name, "--key", "cosign.pub")
    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok  index         signature     is good" in done.stdout
    assert "ok  linux/arm64   sbom spdx     is attested" in done.stdout
    assert released.digest in done.stdout.splitlines()[0]
    assert "NO" not in done.stdout
    assert took < 10, "the promise is 3 s; a loaded machine is given more"


def test_json_has_every_check(released: Released) -> None:
    done = released.verify(f"{released.repository}:1", "--key", "cosign.pub", "--json")
    said = json.loads(done.stdout)
    assert (said["schema"], said["passed"]) == ("keelway.verification/1", True)
    assert said["digest"] == released.digest
    assert {check["name"] for check in said["checks"]} == {
        "signature", "provenance", "verdict", "policy", "sbom spdx", "scan",
    }  # fmt: skip


def test_another_key_is_exit_code_6_and_says_why(released: Released) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (released.folder / "other.pub").write_bytes(pem)
    done = released.verify(f"{released.repository}:1", "--key", "other.pub")
    assert done.returncode == 6
    assert "NO  index         signature     none that counts" in done.stdout
    assert "does not verify" in done.stderr
    assert "Traceback" not in done.stderr
    said = released.verify(f"{released.repository}:1", "--key", "other.pub", "--json")
    assert said.returncode == 6
    assert json.loads(said.stdout)["passed"] is False


def test_the_configuration_says_what_is_asked(released: Released) -> None:
    config = released.folder / "asked.toml"
    config.write_text(
        '[project]\nname = "orders"\n[images.orders]\n'
        '[sign]\npublic_key = "cosign.pub"\n'
        '[verify]\nsource = "https://example.com/other"\n'
    )
    done = released.verify(f"{released.repository}:1", "--config", str(config))
    assert done.returncode == 6
    assert "its source is git+https://example.com/hello, not" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("{repository}:no-such-tag", "--key", "cosign.pub"), 5, "is not there"),
        (("127.0.0.1:1/demo/x:1", "--key", "cosign.pub"), 5, "127.0.0.1:1 cannot be reached"),
        (("{repository}:1", "--key", "missing.pub"), 3, "missing.pub cannot be read"),
        (("{repository}:1", "--key", "cosign.key"), 3, "the public key cannot be read"),
        (("{repository}:1",), 3, "nobody says whose signature counts"),
        (("{repository}:1", "--identity", "a@b.test"), 3, "give both --identity and --issuer"),
        (("Not A Name", "--key", "cosign.pub"), 3, "name it as registry/repository:tag"),
    ],
)
def test_what_cannot_be_looked_at_is_told(
    released: Released, words: tuple[str, ...], code: int, said: str
) -> None:
    done = released.verify(*[word.format(repository=released.repository) for word in words])
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_signature_can_be_asked_for(released: Released) -> None:
    done = released.verify(f"{released.repository}:1", "--key", "cosign.pub", "--signature-only")
    assert done.returncode == 0
    assert [line.split()[2] for line in done.stdout.splitlines()[1:]] == ["signature"] * 3
