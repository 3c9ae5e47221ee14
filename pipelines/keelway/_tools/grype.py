"""Grype: what to type.

Example:
    >>> scan_argv("/in/image.tar", "out.json")
    ('oci-archive:/in/image.tar', '--output', 'json', '--file', 'out.json', '--by-cve')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

GRYPE = Tool(
    name="grype",
    minimum=(0, 88),  # the first with the database's sixth schema, which has EPSS and KEV
    package="grype",
    # Without the flag it does not know its version.
    install="its releases (a static build), or `CGO_ENABLED=0 go install "
    "-ldflags='-X main.version=0.110.0' github.com/anchore/grype/cmd/grype@v0.110.0`",
)


def database_argv() -> tuple[str, ...]:
    """Return what fetches the vulnerability database: the one step that needs a network."""
    return ("db", "update")


def scan_argv(tarball: str, output: str) -> tuple[str, ...]:
    """Return what scans one image; without `--fail-on` it never fails on findings.

    Args:
        tarball: The image as an OCI archive.
        output: The JSON report to write.
    """
    return (
        f"oci-archive:{tarball}",
        "--output", "json", "--file", output,
        # Advisories of GitHub and of distributions are named by the CVE, as other scanners do. Not
        # `--quiet`: with it Grype does not tell why it broke.
        "--by-cve",
    )  # fmt: skip


def environment(cache: str, home: str, *, update: bool) -> Mapping[str, str]:
    """Return what keeps it from asking anybody anything but for the database step.

    Args:
        cache: The directory of its database.
        home: A directory that it may write to.
        update: Whether this is the database step.
    """
    return {
        "HOME": home,
        "GRYPE_DB_CACHE_DIR": cache,
        "GRYPE_DB_AUTO_UPDATE": str(update).lower(),
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        # How old it may be is the gate's to say, for all scanners.
        "GRYPE_DB_VALIDATE_AGE": "false",
    }
