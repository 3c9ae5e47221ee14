"""Semantic versions, as semver.org writes them; a leading `v` is allowed.

Example:
    >>> version = parse_semver("v1.2.3-rc.1")
    >>> version.text, version.prerelease
    ('1.2.3-rc.1', 'rc.1')
    >>> parse_semver("1.2") is None
    True
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"0|[1-9][0-9]*"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9A-Za-z-]*)"
_BUILD = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(
    rf"v?(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<prerelease>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+(?P<build>{_BUILD}))?"
)
_LONGEST = 256
_GREATEST = 2**53 - 1
"""The greatest number and the longest text that node's semver takes, which other tools use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemVer:
    """A semantic version and the text that it was read from."""

    raw: str
    major: int
    minor: int
    patch: int
    prerelease: str | None = None
    build: str | None = None

    @property
    def text(self) -> str:
        """Return the version without a leading `v` and without build metadata."""
        release = f"{self.major}.{self.minor}.{self.patch}"
        return release if self.prerelease is None else f"{release}-{self.prerelease}"

    def precedence(self) -> tuple[object, ...]:
        """Return a key that sorts versions as semver.org orders them."""
        if self.prerelease is None:
            return (self.major, self.minor, self.patch, 1, ())
        # Numbers come before words, and numbers compare as numbers.
        parts = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in self.prerelease.split(".")
        )
        return (self.major, self.minor, self.patch, 0, parts)


def parse_semver(text: str) -> SemVer | None:
    """Return the version, or nothing when the text is not a semantic version."""
    found = _SEMVER.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    major, minor, patch = (int(found[name]) for name in ("major", "minor", "patch"))
    if max(major, minor, patch) > _GREATEST:
        return None
    return SemVer(
        raw=text,
        major=major,
        minor=minor,
        patch=patch,
        prerelease=found["prerelease"],
        build=found["build"],
    )
