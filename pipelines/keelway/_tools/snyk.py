"""Snyk: what to type.

Example:
    >>> scan_argv("/in/image.tar", "out.json")[:3]
    ('container', 'test', 'oci-archive:/in/image.tar')
"""

from __future__ import annotations

from keelway._tools.tool import Tool

SNYK = Tool(
    name="snyk",
    minimum=(1, 1290),
    package="snyk",
    install="`npm install snyk`, or from its releases (a static build)",
)

TOKEN_VARIABLE = "SNYK_TOKEN"  # noqa: S105 - the name of a variable

WORKED = (0, 1)
"""Exit codes of a scan that worked: nothing found, something found (`snyk container --help`)."""


def scan_argv(tarball: str, output: str) -> tuple[str, ...]:
    """Return what scans one image.

    Args:
        tarball: The image as an OCI archive.
        output: The JSON report to write.
    """
    return (
        "container", "test", f"oci-archive:{tarball}",
        f"--json-file-output={output}", "--app-vulns", "--disable-suggestions",
    )  # fmt: skip
