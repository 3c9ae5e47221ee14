"""What keelway attaches, read by stock Trivy: exceptions as VEX, and the attested SBOMs."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import keelway as kw
from keelway.model.evidence import Layout
from keelway.stages.attest import attest
from tests.support.advisories import build_database
from tests.support.attested import attest_spec, make_images, make_verified
from tests.support.missing import need
from tests.support.registry import running_referrers_registry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IN_THE_IMAGE, IN_THE_SBOM = "CVE-2023-45853", "CVE-2024-22195"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """An image with an exception for its one hole, and Trivy with a database."""

    repository: str
    attestations: dict[str, str]
    """The envelope of the first platform's statement, by cosign's name of its type."""
    cache: Path

    def trivy(self, *words: str) -> dict[str, Any]:
        """Return the JSON report of a scan."""
        trivy = need("trivy", package="trivy-py, of keelway[tools]")
        done = subprocess.run(
            [trivy, *words, "--cache-dir", str(self.cache), "--skip-db-update", "--offline-scan",
             "--format", "json", "--quiet", "--scanners", "vuln", "--skip-version-check"],
            env={**os.environ, "TRIVY_INSECURE": "true"},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def _holes(report: dict[str, Any]) -> list[str]:
    results = report.get("Results") or []
    return [one["VulnerabilityID"] for found in results for one in found.get("Vulnerabilities", [])]


@pytest.fixture(scope="module", params=["without referrers API", "with referrers API"])
def attested(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attested]:
    start = running_registry if request.param.startswith("without") else running_referrers_registry
    cosign = need("cosign", package="cosign, by scripts/go-tools")
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(
        [cosign, "generate-key-pair"], cwd=folder, check=True, capture_output=True,
        env={**os.environ, "COSIGN_PASSWORD": ""},
    )  # fmt: skip
    cache = build_database(folder, need("trivy-db", package="trivy-db, by scripts/go-tools"))
    with start(tmp_path_factory.mktemp("registry")) as registry:
        repository = f"{registry.address}/demo/hello"

        async def release() -> str:
            async with kw.open_session() as session:
                run = kw.Run(session.client)
                images, published = await make_images(run, repository)
                spec = attest_spec(folder, cosign, folder / "reports", (Layout.REFERRER,))
                verified = make_verified(images, folder / "reports")
                made = await attest(run, spec, published, verified)
                platforms = [one.subject for one in made.attested if one.subject.platform]
                return platforms[0].digest

        reference = f"{repository}@{anyio.run(release)}"
        envelopes = {
            kind: subprocess.run(
                [cosign, "verify-attestation", "--key", folder / "cosign.pub", "--type", kind,
                 "--insecure-ignore-tlog=true", "--allow-http-registry", reference],
                check=True, capture_output=True, text=True,
            ).stdout
            for kind in ("spdxjson", "cyclonedx")
        }  # fmt: skip
        yield Attested(repository=repository, attestations=envelopes, cache=cache)


def test_trivy_heeds_the_exceptions_that_are_attested(attested: Attested) -> None:
    image = f"{attested.repository}:1"
    assert _holes(attested.trivy("image", image)) == [IN_THE_IMAGE]
    assert _holes(attested.trivy("image", "--vex", "oci", image)) == []


@pytest.mark.parametrize("kind", ["spdxjson", "cyclonedx"])
def test_trivy_reads_the_sboms_that_are_attested(
    attested: Attested, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"{kind}.json"
    file.write_text(attested.attestations[kind])
    assert _holes(attested.trivy("sbom", str(file))) == [IN_THE_SBOM]
