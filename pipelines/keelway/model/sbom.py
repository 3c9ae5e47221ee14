"""Software bills of materials, one document for each image, platform and format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.model.image import Digest
    from keelway.model.platform import Platform
    from keelway.model.tool import ToolVersion


class SbomFormat(StrEnum):
    """The formats that are written."""

    SPDX_JSON = "spdx-json"
    CYCLONEDX_JSON = "cyclonedx-json"

    @property
    def suffix(self) -> str:
        """Return what the document's file name ends with."""
        return {"spdx-json": ".spdx.json", "cyclonedx-json": ".cdx.json"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package that a document lists."""

    name: str
    version: str = ""
    kind: str = ""
    """As package URLs say it: `deb`, `pypi`, `npm`, ..."""
    licenses: tuple[str, ...] = ()
    """SPDX identifiers or expressions, or what the package calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sbom:
    """One document about one image for one platform."""

    image: str
    """The image's name."""
    platform: Platform
    """What it was built for."""
    format: SbomFormat
    """The document's form."""
    path: str
    """The document, as a path under the report directory."""
    sha256: Digest
    """Of the document's bytes: the same image and epoch give the same bytes."""
    packages: int
    """How many are listed."""
    subject: Digest
    """The digest of the image's manifest for this platform, as read from what was catalogued."""
    contents: tuple[Package, ...] = ()
    """What it lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sboms:
    """The result of the sbom stage."""

    documents: tuple[Sbom, ...]
    """One for each image, platform and form."""
    tool: ToolVersion
    """What listed."""

    def of(self, image: str, platform: Platform) -> tuple[Sbom, ...]:
        """Return the documents of one image for one platform."""
        return tuple(d for d in self.documents if (d.image, d.platform) == (image, platform))
