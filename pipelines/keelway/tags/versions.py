"""Versions of both kinds that tag rules know, as one value: semver.org's, and Python's PEP 440.

Example:
    >>> read_version("semver", "v1.2.3").values["version"]
    '1.2.3'
    >>> read_version("pep440", "1.2.3beta2").values["version"]
    '1.2.3b2'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440

from keelway.tags.semver import parse_semver

if TYPE_CHECKING:
    from collections.abc import Mapping

Scheme = Literal["semver", "pep440"]

SCHEMES: Mapping[Scheme, str] = {"semver": "semantic version", "pep440": "version by PEP 440"}
EXPRESSIONS = ("raw", "version", "major", "minor", "patch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that patterns are filled from."""

    scheme: Scheme
    values: Mapping[str, str]
    """By expression."""
    stable: bool
    """Whether it may move names such as `1.2`: no pre-, post- or development release."""
    order: tuple[object, ...] | Pep440
    """Sorts among versions of the same scheme."""

    def is_newer_than(self, other: Version) -> bool:
        """Return whether it is a later version than another of its scheme."""
        if isinstance(self.order, Pep440):
            return isinstance(other.order, Pep440) and self.order > other.order
        return not isinstance(other.order, Pep440) and self.order > other.order


def read_version(scheme: Scheme, text: str) -> Version | None:
    """Return the version, or nothing when the text is none of that scheme."""
    return _semver(text) if scheme == "semver" else _pep440(text)


def _semver(text: str) -> Version | None:
    found = parse_semver(text)
    if found is None:
        return None
    return Version(
        scheme="semver",
        values=_values(text, found.text, found.major, found.minor, found.patch),
        stable=found.prerelease is None,
        order=found.precedence(),
    )


def _pep440(text: str) -> Version | None:
    try:
        found = Pep440(text)
    except InvalidVersion:
        return None
    return Version(
        scheme="pep440",
        values=_values(text, str(found), found.major, found.minor, found.micro),
        stable=not (found.is_prerelease or found.is_postrelease),
        order=found,
    )


def _values(raw: str, version: str, major: int, minor: int, patch: int) -> dict[str, str]:
    numbers = (raw, version, str(major), str(minor), str(patch))
    return dict(zip(EXPRESSIONS, numbers, strict=True))
