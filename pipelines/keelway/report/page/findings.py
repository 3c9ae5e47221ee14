"""What the scanners found: every finding once, with the images and platforms that have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.report.page.lists import Listed, Row, listing
from keelway.report.page.markup import Content, Html, file_link, join, link, tag
from keelway.report.page.shown import absent, mark, notes, section, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.report.document import FindingPart, ReportDocument, ScanPart

SEVERITIES = ("critical", "high", "medium", "low", "unknown")
"""Worst first."""

_COLUMNS = ("Severity", "Finding", "Package", "Fixed in", "Image", "Found by", "Gate")
_FILTERS = {
    "severity": "Severity",
    "fix": "Fix",
    "image": "Image",
    "platform": "Platform",
    "scanner": "Scanner",
    "kind": "Kind",
    "gate": "Gate",
}


@dataclass(slots=True)
class Same:
    """One finding and where it is: what is judged alike in several images or platforms is one."""

    finding: FindingPart
    images: list[str] = field(default_factory=list[str])
    platforms: list[str] = field(default_factory=list[str])
    scanners: list[str] = field(default_factory=list[str])
    gate: list[str] = field(default_factory=list[str])

    def add(self, image: str, platform: str, scanners: Iterable[str], gate: str | None) -> None:
        """Remember one more place."""
        for kept, values in (
            (self.images, (image,)),
            (self.platforms, (platform,)),
            (self.scanners, scanners),
            (self.gate, () if gate is None else (gate,)),
        ):
            kept.extend(value for value in values if value not in kept)


def same_findings(report: ReportDocument) -> tuple[Same, ...]:
    """Return every finding once, worst first."""
    judged = _judged(report)
    found: dict[tuple[str | None, ...], Same] = {}
    for target in report.scan.targets if report.scan is not None else ():
        by = (report.scan.tool.name,) if report.scan and report.scan.tool else ()
        for finding in target.findings:
            gate = judged.get((target.image, target.platform, finding.id))
            same = found.setdefault((*_identity(finding), gate), Same(finding))
            same.add(target.image, target.platform, finding.found_by or by, gate)
    return tuple(
        sorted(
            found.values(),
            key=lambda one: (
                "refused" not in one.gate,
                SEVERITIES.index(one.finding.severity),
                one.finding.id,
                one.finding.package or "",
            ),
        )
    )


def _identity(finding: FindingPart) -> tuple[str | None, ...]:
    """Return what makes two findings one; where packages are named, places are of no matter."""
    where = finding.where if finding.package is None else None
    parts = (finding.kind, finding.id, finding.severity, finding.package, finding.version, where)
    return (*parts, finding.fixed_in)


def _judged(report: ReportDocument) -> dict[tuple[str, str | None, str], str]:
    if report.verdict is None:
        return {}
    excepted = {(one.image, one.platform, one.id): "excepted" for one in report.verdict.excepted}
    refused = {(one.image, one.platform, one.id): "refused" for one in report.verdict.breaches}
    return {**excepted, **refused}


def findings(report: ReportDocument) -> Html:
    """Return what was found, to be searched and sorted."""
    scan = report.scan
    if scan is None:
        return section("findings", "Findings", absent(report, "scan", "Nothing was searched for"))
    same = same_findings(report)
    return section(
        "findings",
        "Findings",
        _counts(scan),
        listing(
            Listed(
                name="finding",
                caption="Findings, worst first",
                columns=_COLUMNS,
                filters=_FILTERS,
                rows=tuple(_row(one) for one in same),
            )
        )
        if same
        else tag("p", mark("none", "ok"), f" Nothing was found ({', '.join(scan.scanners)})."),
        notes("Not looked at", scan.notes),
    )


def _counts(scan: ScanPart) -> Html:
    return table(
        "Findings by image and platform",
        ("Image", *(level.capitalize() for level in SEVERITIES), "Full reports"),
        [
            (
                f"{target.image} ({target.platform})",
                *(
                    mark(str(number), level if number else "muted")
                    for level in SEVERITIES
                    for number in [getattr(target.counts, level)]
                ),
                join(
                    file_link(target.report, scan.tool.name if scan.tool else "report"),
                    *(
                        join(", ", file_link(second.report, second.tool.name))
                        for second in target.second_opinions
                    ),
                ),
            )
            for target in scan.targets
        ],
    )


def _row(same: Same) -> Row:
    finding = same.finding
    return Row(
        cells=(
            mark(finding.severity, finding.severity),
            _what(finding),
            " ".join(filter(None, (finding.package, finding.version))) or finding.where,
            finding.fixed_in or mark("no fix", "muted"),
            f"{', '.join(same.images)} ({', '.join(same.platforms)})",
            ", ".join(same.scanners),
            _gate(same),
        ),
        data={
            "severity": (finding.severity,),
            "fix": ("fixed" if finding.fixed_in else "no fix",),
            "image": same.images,
            "platform": same.platforms,
            "scanner": same.scanners,
            "kind": (finding.kind,),
            "gate": same.gate or ("passed",),
        },
        keys={0: SEVERITIES.index(finding.severity)},
    )


def _what(finding: FindingPart) -> Html:
    flags: list[Content] = []
    if finding.known_exploited:
        flags.append(join(" ", mark("known exploited", "bad")))
    if finding.epss is not None:
        flags.append(join(" ", mark(f"EPSS {finding.epss:.1%}", "muted")))
    return join(link(finding.url, finding.id), *flags, tag("span", finding.title, cls="title"))


def _gate(same: Same) -> Content:
    kinds = {"refused": "bad", "excepted": "warn"}
    if not same.gate:
        return ""
    return join(*(join(mark(word, kinds[word]), " ") for word in same.gate))
