"""Which exception covers what.

Example:
    >>> from datetime import date
    >>> from keelway.model.exemption import Exemption, Scope
    >>> granted = Exemption(
    ...     id="CVE-2024-0001", reason="r", owner="o", expires=date(2026, 1, 31),
    ...     scope=Scope(purl="pkg:deb/debian/openssl"),
    ... )
    >>> thing = Thing(id="CVE-2024-0001", image="orders", platform="linux/amd64",
    ...               purl="pkg:deb/debian/openssl@3.0.2?arch=amd64", path=None)
    >>> covers(granted, thing)
    True
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.model.exemption import Exemption


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What an exception may cover, by the names that its scope knows."""

    id: str
    image: str
    platform: str | None
    purl: str | None
    path: str | None


def covers(exemption: Exemption, thing: Thing) -> bool:
    """Return whether an exception is about this thing; whether it still holds is another matter."""
    scope = exemption.scope
    return (
        exemption.id.casefold() == thing.id.casefold()
        and _fits(scope.image, thing.image)
        and (thing.platform is None or _fits(scope.platform, thing.platform))
        and _fits_purl(scope.purl, thing.purl)
        and _fits_path(scope.path, thing.path)
    )


def _fits(pattern: str | None, value: str | None) -> bool:
    return pattern is None or (value is not None and fnmatchcase(value, pattern))


def _fits_path(pattern: str | None, value: str | None) -> bool:
    """Paths are compared without the slash at their beginning, which scanners differ in."""
    if pattern is None:
        return True
    return value is not None and fnmatchcase(value.lstrip("/"), pattern.lstrip("/"))


def _fits_purl(pattern: str | None, value: str | None) -> bool:
    """A pattern without version or qualifiers fits all of them (purl specification)."""
    if pattern is None:
        return True
    if value is None:
        return False
    plain = value.partition("?")[0]
    unversioned = plain.rpartition("@")[0] or plain
    return any(fnmatchcase(form, pattern) for form in (value, plain, unversioned))
