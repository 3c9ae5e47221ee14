"""Package URLs, as far as one is matched with another (purl specification).

Example:
    >>> covers_purl("pkg:deb/debian/zlib1g", "pkg:deb/debian/zlib1g@1.2.13?arch=amd64")
    True
    >>> covers_purl("pkg:deb/debian/zlib1g@1.3", "pkg:deb/debian/zlib1g@1.2.13?arch=amd64")
    False
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Purl:
    """The parts of a package URL."""

    path: str
    """Type, namespace and name: `deb/debian/zlib1g`."""
    version: str | None
    qualifiers: Mapping[str, str]

    @property
    def type(self) -> str:
        """Return the type: `deb`, `pypi`, `oci`."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """Return the name without its namespace."""
        return self.path.rpartition("/")[2]


def parse_purl(text: str) -> Purl | None:
    """Return the parts; nothing when the text is no package URL."""
    if not text.startswith("pkg:"):
        return None
    whole = text.removeprefix("pkg:").lstrip("/").partition("#")[0]
    rest, _, query = whole.partition("?")
    path, at, version = rest.rpartition("@") if "@" in rest.rpartition("/")[2] else (rest, "", "")
    if "/" not in path:
        return None
    return Purl(
        path=unquote(path),
        version=unquote(version) if at else None,
        qualifiers={key.lower(): value for key, value in parse_qsl(query)},
    )


def covers_purl(wanted: str, actual: str | None) -> bool:
    """Return whether what is named by one package URL includes what is named by the other.

    What the wider one leaves out, a version or a qualifier, may be anything.
    """
    if actual is None:
        return False
    one, other = parse_purl(wanted), parse_purl(actual)
    if one is None or other is None:
        return wanted == actual
    return (
        one.path == other.path
        and one.version in {None, other.version}
        and all(other.qualifiers.get(key) == value for key, value in one.qualifiers.items())
    )
