"""What is inside the images, from their SBOMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.report.page.lists import Listed, Row, listing
from keelway.report.page.markup import Html, file_link
from keelway.report.page.shown import absent, fold, section, table

if TYPE_CHECKING:
    from keelway.report.document import ReportDocument
    from keelway.report.sbom_part import PackagePart, SbomPart

_FILTERS = {"kind": "Kind", "license": "License", "place": "Image"}


def packages(report: ReportDocument) -> Html:
    """Return the packages, to be searched and sorted, and the documents that list them."""
    sbom = report.sbom
    title = "Packages"
    if sbom is None:
        return section("packages", title, absent(report, "sbom", "No packages are listed"))
    listed = Listed(
        name="package",
        caption="Packages by name",
        columns=("Package", "Version", "Kind", "Licenses", "Image"),
        filters=_FILTERS,
        rows=tuple(_row(package) for package in sbom.packages),
    )
    return section("packages", title, listing(listed) if sbom.packages else None, _documents(sbom))


def _row(package: PackagePart) -> Row:
    return Row(
        cells=(
            package.name,
            package.version,
            package.kind,
            ", ".join(package.licenses),
            ", ".join(package.found_in),
        ),
        data={
            "kind": (package.kind or "unknown",),
            "license": package.licenses or ("unknown",),
            "place": package.found_in,
        },
        keys={},
    )


def _documents(sbom: SbomPart) -> Html:
    rows = [
        (
            file_link(document.path),
            f"{document.image} ({document.platform})",
            document.format,
            document.packages,
            document.sha256,
        )
        for document in sbom.documents
    ]
    columns = ("Document", "Image", "Format", "Packages", "Digest")
    return fold(
        f"SBOM documents by {sbom.tool.name} {sbom.tool.version} ({len(rows)})",
        table("SBOM documents", columns, rows),
    )
