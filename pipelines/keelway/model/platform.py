"""Platforms, as `os/architecture[/variant]`.

Example:
    >>> parse_platform("linux/arm64/v8")
    'linux/arm64'
    >>> file_name(parse_platform("linux/amd64"))
    'linux-amd64'
"""

from __future__ import annotations

import difflib
from typing import NewType

from keelway.errors import PlanError

Platform = NewType("Platform", str)
"""A platform in its normal form, made by `parse_platform`."""

AMD64 = Platform("linux/amd64")
ARM64 = Platform("linux/arm64")

KNOWN: tuple[Platform, ...] = tuple(
    Platform(f"linux/{arch}")
    for arch in (
        "amd64", "arm64", "386", "arm/v5", "arm/v6", "arm/v7",
        "loong64", "mips64le", "ppc64le", "riscv64", "s390x",
    )
)  # fmt: skip
"""What can be built: Linux only, as containers are."""

_ALIASES = {
    "linux/x86_64": "linux/amd64",
    "linux/amd64/v1": "linux/amd64",
    "linux/aarch64": "linux/arm64",
    "linux/arm64/v8": "linux/arm64",
    "linux/arm": "linux/arm/v7",
    "linux/armhf": "linux/arm/v7",
    "linux/i386": "linux/386",
}


def parse_platform(text: str) -> Platform:
    """Return the platform in its normal form.

    Args:
        text: As people write it: `linux/amd64`, `linux/x86_64`, `linux/arm/v7`.

    Raises:
        PlanError: When it is none that can be built; names the nearest one.
    """
    lowered = text.strip().lower()
    normal = Platform(_ALIASES.get(lowered, lowered))
    if normal in KNOWN:
        return normal
    near = difflib.get_close_matches(normal, [*KNOWN, *_ALIASES], n=1)
    meant = [_ALIASES.get(near[0], near[0])] if near else []
    hint = f"did you mean '{meant[0]}'? " if meant else ""
    raise PlanError(
        f"unknown platform '{text}'", next_step=f"{hint}known platforms: {', '.join(KNOWN)}"
    )


def architecture(platform: Platform) -> str:
    """Return the architecture without its variant, as in `amd64`."""
    return platform.split("/")[1]


def file_name(platform: Platform) -> str:
    """Return the platform as a part of a file name."""
    return platform.replace("/", "-")
