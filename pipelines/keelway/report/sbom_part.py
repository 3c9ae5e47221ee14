"""The SBOMs, as `report.json` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from keelway.model.sbom import SbomFormat
from keelway.report.part import Part, ToolPart

if TYPE_CHECKING:
    from keelway.model.sbom import Sbom, Sboms


class DocumentPart(Part):
    """One SBOM."""

    image: str
    platform: str
    format: Literal["spdx-json", "cyclonedx-json"]
    path: str
    """Relative to this file."""
    sha256: str
    """Of the document's bytes."""
    subject: str
    """The digest of the manifest of what was catalogued."""
    packages: int


class PackagePart(Part):
    """One package in one version, wherever it is."""

    name: str
    version: str
    kind: str
    """As package URLs say it: `deb`, `pypi`, `npm`, `golang`, ...; empty when nobody knows."""
    licenses: tuple[str, ...]
    found_in: tuple[str, ...]
    """The images and platforms that have it: `orders (linux/amd64)`."""


class SbomPart(Part):
    """The SBOMs."""

    tool: ToolPart
    documents: tuple[DocumentPart, ...]
    packages: tuple[PackagePart, ...] = ()
    """What the documents list, by name; the same package of several platforms once."""


def sbom_part(sboms: Sboms | None) -> SbomPart | None:
    """Return which documents there are, and what they list."""
    if sboms is None:
        return None
    tool = sboms.tool
    return SbomPart(
        tool=ToolPart(name=tool.name, version=tool.version, source=tool.source),
        documents=tuple(_document(one) for one in sboms.documents),
        packages=_packages(sboms),
    )


def _document(document: Sbom) -> DocumentPart:
    spdx = document.format is SbomFormat.SPDX_JSON
    return DocumentPart(
        image=document.image,
        platform=document.platform,
        format="spdx-json" if spdx else "cyclonedx-json",
        path=document.path,
        sha256=document.sha256,
        subject=document.subject,
        packages=document.packages,
    )


def _packages(sboms: Sboms) -> tuple[PackagePart, ...]:
    """Return each package once; of several documents about one image the first one counts."""
    first: dict[str, Sbom] = {}
    for document in sboms.documents:
        first.setdefault(f"{document.image} ({document.platform})", document)
    found: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for label, document in first.items():
        for one in dict.fromkeys(document.contents):
            found.setdefault((one.name, one.version, one.kind, one.licenses), []).append(label)
    return tuple(
        PackagePart(
            name=name, version=version, kind=kind, licenses=licenses, found_in=tuple(found[key])
        )
        for key in sorted(found)
        for name, version, kind, licenses in [key]
    )
