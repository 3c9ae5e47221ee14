"""Exceptions that the team has granted: one list for all scanners and for the policy.

Example:
    >>> from datetime import date
    >>> granted = Exemption(
    ...     id="CVE-2024-0001", reason="not reachable", owner="platform", expires=date(2026, 1, 31)
    ... )
    >>> granted.expired(date(2026, 2, 1)), granted.expired(date(2026, 1, 31))
    (True, False)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


class VexStatus(StrEnum):
    """The states of a vulnerability in a product (OpenVEX specification, Status Labels)."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where an exemption holds; what is None holds everywhere. Patterns are shell globs."""

    image: str | None = None
    """Name of an image; any when absent."""
    purl: str | None = None
    """Package URL without, or with, a version: `pkg:deb/debian/openssl`."""
    path: str | None = None
    """Pattern of a path; any when absent."""
    platform: str | None = None
    """A platform; any when absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """One thing that does not stop a release for a time, and who answers for it."""

    id: str
    """A finding's id (CVE, check, secret rule, licence) or the name of a policy rule."""
    reason: str
    """Why it may pass."""
    owner: str
    """Who answers for it."""
    expires: date
    """The last day on which it holds."""
    scope: Scope = field(default_factory=Scope)
    """Where it holds."""
    vex_status: VexStatus | None = None
    """What OpenVEX calls it."""
    justification: str | None = None
    """One of OpenVEX's five, for `not_affected`."""
    of_policy: bool = False
    """The id is a rule of the policy, not a scanner's word."""
    origin: str = ""
    """`keelway-exceptions.toml:12`, for messages."""

    def expired(self, today: date) -> bool:
        """Return whether it holds no more."""
        return today > self.expires
