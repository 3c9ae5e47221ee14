"""A small published image, and what a gate would have handed out about it."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import dagger

import keelway as kw
from keelway.model.exemption import Exemption, Scope, VexStatus
from keelway.model.findings import Finding, Findings, ImageFindings, Kind, SecondOpinion, Severity
from keelway.model.image import BuiltImage, Images
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.model.provenance import Dependency, Origin
from keelway.model.published import Published, PublishedImage, PublishedTag
from keelway.model.sbom import Sbom, SbomFormat, Sboms
from keelway.model.signer import KeySigner, SignerSpec
from keelway.model.tool import HostTool, ToolVersion
from keelway.model.verdict import Excepted, Verdict, Verified
from keelway.registry.content import digest_of
from keelway.stages.attest import AttestSpec

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.model.evidence import Layout

PLATFORMS = (kw.Platform("linux/amd64"), kw.Platform("linux/arm64"))
# Debian 12 with one package, of which Trivy knows a hole (see `tests.support.advisories`).
DPKG_STATUS = """\
Package: zlib1g
Status: install ok installed
Maintainer: nobody <nobody@example.com>
Architecture: amd64
Source: zlib
Version: 1:1.2.13.dfsg-1
Description: compression library
"""
# The documents list one package of the Python package index that has another.
PURL = "pkg:pypi/jinja2@3.1.2"
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "dataLicense": "CC0-1.0",
    "documentNamespace": "https://example.com/sbom/hello",
    "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: syft-1.20.0"]},
    "packages": [
        {
            "SPDXID": "SPDXRef-jinja2",
            "name": "jinja2",
            "versionInfo": "3.1.2",
            "downloadLocation": "NOASSERTION",
            "externalRefs": [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": PURL,
                }
            ],
        }
    ],
    "relationships": [
        {
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": "SPDXRef-jinja2",
        }
    ],
}
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [
        {
            "bom-ref": PURL,
            "type": "library",
            "name": "jinja2",
            "version": "3.1.2",
            "purl": PURL,
        }
    ],
}
SYFT = ToolVersion(name="syft", version="1.20.0", source="host")
TRIVY = ToolVersion(name="trivy", version="0.76.0", source="host")
GRYPE = ToolVersion(name="grype", version="0.110.0", source="host")
ORIGIN = Origin(
    image="hello",
    source=Dependency(uri="git+https://example.com/hello", digest={"gitCommit": "ab" * 20}),
    parameters={"image": "hello", "buildArgs": {"TOKEN": "(not public)"}},
)


async def make_images(run: kw.Run, repository: str) -> tuple[Images, Published]:
    """Return a small image for two platforms, built and published."""
    variants = tuple(
        BuiltImage(
            name="hello",
            platform=platform,
            container=run.dag.container(platform=dagger.Platform(platform))
            .with_new_file("/hello", f"{repository} {platform}")
            .with_new_file("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
            .with_new_file("/etc/debian_version", "12.5\n")
            .with_new_file("/var/lib/dpkg/status", DPKG_STATUS),
        )
        for platform in PLATFORMS
    )
    answer = await run.dag.container().publish(
        f"{repository}:1", platform_variants=[variant.container for variant in variants]
    )
    digest = kw.Digest(answer.partition("@")[2])
    tag = PublishedTag(repository=repository, tag="1", digest=digest)
    image = PublishedImage(name="hello", digest=digest, platforms=PLATFORMS, tags=(tag,))
    return Images(variants=variants), Published(images=(image,))


def make_verified(images: Images, reports: Path) -> Verified:
    """Return what a gate would have handed out, with the reports that the stages kept."""
    reports.mkdir(exist_ok=True)
    finding = Finding(
        kind=Kind.VULNERABILITY, id="CVE-2023-45853", severity=Severity.CRITICAL, title="a hole",
        where="hello", package="zlib1g", version="1:1.2.13.dfsg-1", purl="pkg:deb/debian/zlib1g",
    )  # fmt: skip
    exemption = Exemption(
        id="CVE-2023-45853", reason="the hole is not reachable", owner="shop",
        expires=date(2030, 1, 1), scope=Scope(),
        vex_status=VexStatus.NOT_AFFECTED, justification="vulnerable_code_not_in_execute_path",
    )  # fmt: skip
    documents = []
    for platform in PLATFORMS:
        for form, text in (
            (SbomFormat.SPDX_JSON, {**SPDX, "name": platform}),
            (SbomFormat.CYCLONEDX_JSON, CYCLONEDX),
        ):
            name = f"{platform.replace('/', '-')}{form.suffix}"
            data = json.dumps(text).encode()
            (reports / name).write_bytes(data)
            documents.append(
                Sbom(
                    image="hello", platform=platform, format=form, path=name,
                    sha256=digest_of(data), packages=1, subject=digest_of(b""),
                )
            )  # fmt: skip
    (reports / "trivy.json").write_text('{"SchemaVersion": 2}')
    (reports / "grype.json").write_text('{"matches": []}')
    return Verified(
        images=images,
        policy=PolicyReport(
            results=(
                PolicyResult(
                    rule="user-not-root", outcome=PolicyOutcome.PASSED, image="hello",
                    platform=None, message="it does not",
                ),
            )
        ),
        findings=Findings(
            targets=tuple(
                ImageFindings(
                    image="hello", platform=platform, digest=digest_of(b""), findings=(finding,),
                    report="trivy.json", tool=TRIVY,
                    second_opinions=(
                        SecondOpinion(
                            tool=GRYPE, report="grype.json", found=0, alone=0, database=None
                        ),
                    ),
                )
                for platform in PLATFORMS
            ),
            scanners=("vuln",),
        ),
        sboms=Sboms(documents=tuple(documents), tool=SYFT),
        verdict=Verdict(
            rule="high or worse",
            breaches=(),
            excepted=tuple(
                Excepted(image="hello", platform=platform, what=finding, exemption=exemption)
                for platform in PLATFORMS
            ),
        ),
    )  # fmt: skip


def attest_spec(keys: Path, cosign: str, reports: Path, layouts: tuple[Layout, ...]) -> AttestSpec:
    who = KeySigner(key=f"file://{keys}/cosign.key")
    return AttestSpec(
        signer=SignerSpec(who=who, tool=HostTool(path=cosign)),
        origins=(ORIGIN,),
        layouts=layouts,
        directory=str(reports),
        epoch=1_767_225_600,
    )
