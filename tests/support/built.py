"""Values that stages take, made without an engine's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.findings import Finding, Findings, ImageFindings, Kind, Severity
from keelway.model.image import BuiltImage, Digest, Images
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64, Platform
from keelway.model.tool import ToolVersion
from keelway.model.verdict import Verdict, Verified

if TYPE_CHECKING:
    from keelway._stage import Run

DIGEST = Digest("sha256:" + "a" * 64)
OTHER_DIGEST = Digest("sha256:" + "b" * 64)
TRIVY = ToolVersion(name="trivy", version="0.76.0", source="host")


def built(run: Run, *names: str, platforms: tuple[Platform, ...] = (AMD64, ARM64)) -> Images:
    """Return images whose containers are empty but for a label that tells them apart."""
    return Images(
        variants=tuple(
            BuiltImage(
                name=name,
                platform=platform,
                container=run.dag.container().with_label("is", f"{name} {platform}"),
            )
            for name in names
            for platform in platforms
        )
    )


def verified(images: Images) -> Verified:
    """Return the proof that they passed a gate that refuses nothing."""
    verdict = Verdict(rule="nothing", breaches=())
    skipped = Skipped("not in this test")
    return Verified(images=images, policy=skipped, findings=skipped, sboms=skipped, verdict=verdict)


def found(kind: Kind, severity: Severity, name: str = "ID-1") -> Finding:
    """Return one finding."""
    return Finding(kind=kind, id=name, severity=severity, title="a thing", where="/etc/thing")


def findings(*some: Finding, notes: tuple[str, ...] = ()) -> Findings:
    """Return these findings in the image `orders` for amd64."""
    target = ImageFindings(
        image="orders", platform=AMD64, digest=DIGEST, findings=some, report="r.json", tool=TRIVY
    )
    return Findings(targets=(target,), scanners=("secret",), notes=notes)
