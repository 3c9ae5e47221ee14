"""Semantic versions, as semver.org writes them.

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

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_NUMBER = r"0|[1-9][0-9]*"
_SEMVER = re.compile(
    rf"[=v]*(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<prerelease>{_IDENTIFIERS}))?(?:\+(?P<build>{_IDENTIFIERS}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SemVer:
    """A semantic version and the text that it was read from."""

    raw: str
    major: int
    minor: int
    patch: int
    prerelease: str | None = None

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
    found = _SEMVER.fullmatch(text)
    if found is None:
        return None
    return SemVer(
        raw=text,
        major=int(found["major"]),
        minor=int(found["minor"]),
        patch=int(found["patch"]),
        prerelease=found["prerelease"],
    )
