"""Statements that stock cosign accepts and reads, each of its type, with the real cosign."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import keelway as kw
from keelway._together import together
from keelway.model.evidence import Layout, PredicateType
from keelway.registry.client import open_repository
from keelway.registry.content import Descriptor, digest_of, serialize
from keelway.stages.attest import attest
from keelway.stages.sign import SignSpec, sign
from keelway.verification.checks import Demands
from keelway.verification.verify import KeyTrust, Verification, VerifySpec, verify_image
from tests.support.attested import attest_spec, make_images, make_verified
from tests.support.missing import need
from tests.support.registry import running_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from keelway.model.evidence import Attestations
    from keelway.model.published import Published
    from keelway.model.verdict import Verified
    from keelway.stages.attest import AttestSpec
    from tests.support.registry import Registry

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFLINE = ("--insecure-ignore-tlog=true", "--allow-http-registry")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, cosign: str) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(
        [cosign, "generate-key-pair"],
        cwd=folder, check=True, capture_output=True, env={**os.environ, "COSIGN_PASSWORD": ""},
    )  # fmt: skip
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An image in a registry, signed and attested, and what was said of it before it was."""

    repository: str
    key: str
    published: Published
    spec: AttestSpec
    verified: Verified
    made: Attestations
    unsigned: Verification
    """Judged by `trusting`."""


def trusting(key: str) -> VerifySpec:
    return VerifySpec(
        trust=KeyTrust(public_key=key),
        demands=Demands(
            source="https://example.com/hello.git",
            sboms=("spdx", "cyclonedx"),
            max_scan_age_days=100_000,
        ),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run() -> AsyncIterator[kw.Run]:
    async with kw.open_session() as session:
        yield kw.Run(session.client)


async def _released(
    run: kw.Run, repository: str, keys: Path, reports: Path, layout: Layout
) -> Released:
    images, published = await make_images(run, repository)
    cosign = need("cosign", package="cosign, by scripts/go-tools")
    spec = attest_spec(keys, cosign, reports, (layout,))
    key = (keys / "cosign.pub").read_text()
    unsigned = await verify_image(f"{repository}:1", trusting(key))
    verified = make_verified(images, reports)
    # Side by side, as in a release: both write the same tags.
    _, made = await together(
        sign(run, SignSpec(signer=spec.signer, layouts=(layout,)), published),
        attest(run, spec, published, verified),
    )
    return Released(
        repository=repository, key=key, published=published, spec=spec, verified=verified,
        made=made, unsigned=unsigned,
    )  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def released(
    run: kw.Run, any_registry: Registry, keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> Released:
    """An image with all its evidence, in a registry of each kind."""
    repository = f"{any_registry.address}/demo/attested"
    return await _released(
        run, repository, keys, tmp_path_factory.mktemp("reports"), Layout.REFERRER
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def old(
    run: kw.Run, registry: Registry, keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> Released:
    """One of the old layout, which is one of tags alone, whatever else the registry has."""
    repository = f"{registry.address}/demo/legacy"
    return await _released(run, repository, keys, tmp_path_factory.mktemp("old"), Layout.LEGACY)


# What is judged is the same, wherever it was kept.
ONE_KIND = pytest.mark.parametrize("any_registry", ["without referrers API"], indirect=True)


def _read(cosign: str, keys: Path, reference: str, kind: str, *more: str) -> list[dict[str, Any]]:
    """Return the predicates of a type that stock cosign verifies and prints."""
    done = subprocess.run(
        [cosign, "verify-attestation", "--key", keys / "cosign.pub", "--type", kind, *OFFLINE,
         *more, reference],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    envelopes = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [
        json.loads(base64.b64decode(envelope["payload"]))["predicate"] for envelope in envelopes
    ]


INDEX_TYPES = ("slsaprovenance1", "openvex", PredicateType.TEST_RESULT.value,
               PredicateType.VERIFICATION_SUMMARY.value)  # fmt: skip
PLATFORM_TYPES = (*INDEX_TYPES, "spdxjson", "cyclonedx", "vuln")


async def test_cosign_reads_every_statement_of_every_digest(
    released: Released, keys: Path, cosign: str
) -> None:
    repository, published, made = released.repository, released.published, released.made
    subjects = {evidence.subject.digest: evidence.subject for evidence in made.attested}
    assert len(subjects) == 3
    # Each platform has the scans of two scanners.
    assert len(made.attested) == len(INDEX_TYPES) + 2 * (len(PLATFORM_TYPES) + 1)
    # Platforms are alike: one of them stands for both.
    *_, last = subjects
    for digest, subject in subjects.items():
        if digest == last:
            continue
        for kind in INDEX_TYPES if subject.platform is None else PLATFORM_TYPES:
            assert _read(cosign, keys, f"{repository}@{digest}", kind), kind
    platform = next(digest for digest, subject in subjects.items() if subject.platform)
    scans = _read(cosign, keys, f"{repository}@{platform}", "vuln")
    assert {scan["scanner"]["uri"] for scan in scans} == {
        "pkg:generic/trivy@0.76.0", "pkg:generic/grype@0.110.0",
    }  # fmt: skip
    (provenance,) = _read(
        cosign, keys, f"{repository}@{published.images[0].digest}", "slsaprovenance1"
    )
    assert provenance["runDetails"]["builder"]["id"] == "urn:keelway:builder:local"
    assert provenance["buildDefinition"]["externalParameters"]["buildArgs"] == {
        "TOKEN": "(not public)"
    }


async def _verifies(released: Released) -> None:
    assert not released.unsigned.passed
    reasons = released.unsigned.reasons()
    assert "signature (index): none that counts: the image may be anybody's" in reasons
    began = time.monotonic()
    result = await verify_image(f"{released.repository}:1", trusting(released.key))
    assert result.reasons() == ()
    assert result.passed
    assert len(result.checks) == 4 + 2 * 7
    assert time.monotonic() - began < 30  # a loaded machine; the promise is 3 s, see the benchmark


async def test_keelway_verifies_what_it_signed(released: Released) -> None:
    await _verifies(released)


async def test_the_old_layout_holds_all_statements_too(
    old: Released, keys: Path, cosign: str
) -> None:
    await _verifies(old)
    reference = f"{old.repository}@{old.published.images[0].digest}"
    for kind in INDEX_TYPES:
        assert _read(cosign, keys, reference, kind, "--new-bundle-format=false"), kind


@ONE_KIND
async def test_attesting_again_changes_nothing(run: kw.Run, released: Released) -> None:
    again = await attest(run, released.spec, released.published, released.verified)
    assert sorted(map(str, again.attested)) == sorted(map(str, released.made.attested))


@ONE_KIND
@pytest.mark.parametrize(
    ("demands", "reason"),
    [
        (
            Demands(source="https://example.com/other"),
            "its source is git+https://example.com/hello",
        ),
        (Demands(builders=("urn:other",)), "built by urn:keelway:builder:local, which is none of"),
        (Demands(parameters={"image": "other"}), "its parameter image is 'hello', not 'other'"),
        (Demands(max_scan_age_days=1), "days old, 1 are allowed"),
    ],
)
async def test_each_demand_that_is_not_met_is_told(
    released: Released, demands: Demands, reason: str
) -> None:
    spec = VerifySpec(trust=KeyTrust(public_key=released.key), demands=demands)
    result = await verify_image(f"{released.repository}:1", spec)
    assert not result.passed
    assert any(reason in line for line in result.reasons()), result.reasons()


@ONE_KIND
async def test_another_key_proves_nothing(released: Released) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    spec = VerifySpec(trust=KeyTrust(public_key=pem))
    result = await verify_image(f"{released.repository}:1", spec)
    assert not any(one.passed for one in result.checks)
    assert any("signed by another key" in line for line in result.refused)


@ONE_KIND
async def test_a_bundle_of_another_image_proves_nothing(
    run: kw.Run, registry: Registry, released: Released
) -> None:
    """Somebody copies good evidence to an image that never had any."""
    repository, key = released.repository, released.key
    other = f"{registry.address}/demo/impostor"
    _, published = await make_images(run, other)
    digest = published.images[0].digest
    async with (
        open_repository(repository, login=None, stage="test") as good,
        open_repository(other, login=None, stage="test") as bad,
    ):
        index = await good.manifest("1")
        for entry in await good.referrers(index.digest):
            bundle = await good.manifest(entry.digest)
            for layer in bundle.layers():
                await bad.put_blob(await good.blob(layer), layer.media_type)
            await bad.put_blob(b"{}", "application/vnd.oci.empty.v1+json")
            target = await bad.manifest(digest)
            document = {**bundle.document, "subject": target.descriptor.document()}
            data = serialize(document)
            listed = Descriptor(
                media_type=bundle.media_type, digest=digest_of(data), size=len(data),
                artifact_type=entry.artifact_type,
            )  # fmt: skip
            await bad.attach(data, digest, listed)
    result = await verify_image(f"{other}:1", VerifySpec(trust=KeyTrust(public_key=key)))
    assert not any(one.passed for one in result.checks)
    assert any("is about another digest" in line for line in result.refused)


async def test_bytes_that_were_changed_in_the_registry_are_refused(
    run: kw.Run, keys: Path, cosign: str, tmp_path: Path
) -> None:
    with running_registry(tmp_path / "registry") as registry:
        repository = f"{registry.address}/demo/changed"
        images, published = await make_images(run, repository)
        spec = attest_spec(keys, cosign, tmp_path / "reports", (Layout.REFERRER,))
        made = await attest(run, spec, published, make_verified(images, tmp_path / "reports"))
        async with open_repository(repository, login=None, stage="test") as opened:
            layer = (await opened.manifest(made.attested[0].digest)).layers()[0]
        name = layer.digest.removeprefix("sha256:")
        (blob,) = (tmp_path / "registry").rglob(f"{name}/data")
        blob.write_bytes(blob.read_bytes().replace(b"payload", b"pAyload"))
        trust = KeyTrust(public_key=(keys / "cosign.pub").read_text())
        with pytest.raises(kw.RegistryError, match="was tampered with"):
            await verify_image(f"{repository}:1", VerifySpec(trust=trust))


async def test_a_report_that_was_changed_is_not_attested(
    run: kw.Run, registry: Registry, keys: Path, cosign: str, tmp_path: Path
) -> None:
    images, published = await make_images(run, f"{registry.address}/demo/tampered")
    reports = tmp_path / "reports"
    verified = make_verified(images, reports)
    (reports / "linux-amd64.spdx.json").write_text('{"spdxVersion": "SPDX-2.3", "name": "else"}')
    with pytest.raises(kw.StageError, match="was changed since it was written"):
        await attest(
            run, attest_spec(keys, cosign, reports, (Layout.REFERRER,)), published, verified
        )
