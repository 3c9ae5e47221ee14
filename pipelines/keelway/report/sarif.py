"""Findings as SARIF 2.1.0, for code-scanning services: one document an image and platform. Pure.

The limits are those that GitHub states ("SARIF results exceed one or more limits"): 20 runs a
file, 25,000 results a run, 20 tags a rule. A document here has one run, whose tool is keelway with
the scanners as its extensions: a hole that two scanners found is one alert.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keelway.model.findings import Finding, Kind, Severity
from keelway.report.told import Mark, Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.report.told import ToldImage

MOST_RESULTS = 25_000
MOST_TAGS = 20
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LINE = re.compile(r"^(?P<path>.+):(?P<line>[1-9]\d*)$")
# The middle of each band that GitHub reads from `security-severity`.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.UNKNOWN: "0.0",
}
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SarifLog:
    """A document, and how much of what was found is not in it."""

    document: dict[str, Any]
    left_out: int
    """Results, of the lowest severities, that were more than the limit."""


def category(image: str, platform: str) -> str:
    """Return the category under which services keep an image's results apart.

    >>> category("orders", "linux/amd64")
    'keelway/orders/linux-amd64'
    """
    return f"keelway/{image}/{platform.replace('/', '-')}"


def sarif_log(told: ToldImage, *, version: str, most: int = MOST_RESULTS) -> SarifLog:
    """Return the document about one image for one platform.

    Args:
        told: What was found, worst first.
        version: Keelway's.
        most: So many results are kept, worst first.
    """
    kept = told.told[:most]
    cut = told.told[most:]
    rules = _rules(kept)
    numbers = {(rule.kind, rule.id): number for number, rule in enumerate(rules)}
    driver: dict[str, Any] = {
        "name": "keelway",
        "version": version,
        "informationUri": "https://pypi.org/project/keelway/",
        "rules": [_rule(rule) for rule in rules],
    }
    run: dict[str, Any] = {
        "tool": {
            "driver": driver,
            "extensions": [{"name": tool.name, "version": tool.version} for tool in told.tools],
        },
        # The part after the last slash names the run; it is empty, so all of it is the category.
        "automationDetails": {"id": f"{category(told.image, told.platform)}/"},
        "columnKind": "utf16CodeUnits",
        "invocations": [_invocation(cut)],
        "results": [_result(told, one, numbers[one.finding.kind, one.finding.id]) for one in kept],
        "properties": {
            "image": told.image,
            "platform": told.platform,
            "imageId": told.digest,
            "found": len(told.told),
            "leftOut": len(cut),
        },
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return SarifLog(document=document, left_out=len(cut))


def _rules(told: Sequence[Told]) -> list[Finding]:
    """Return one finding for each rule, the worst, in the order of their names."""
    rules: dict[tuple[Kind, str], Finding] = {}
    for one in told:
        rules.setdefault((one.finding.kind, one.finding.id), one.finding)
    return [rules[key] for key in sorted(rules)]


def _rule(finding: Finding) -> dict[str, Any]:
    title = finding.title or finding.id
    tags = ["security", finding.kind.value, finding.severity.label]
    if finding.known_exploited:
        tags.append("known-exploited")
    rule: dict[str, Any] = {
        "id": finding.id,
        "name": _camel(finding.kind),
        "shortDescription": {"text": f"{finding.id}: {title}"[:1024]},
        "fullDescription": {"text": title[:1024]},
        "help": {"text": finding.url or title},
        "defaultConfiguration": {"level": _level(finding)},
        "properties": {
            "tags": tags[:MOST_TAGS],
            "precision": "very-high",
            "security-severity": _SCORES[finding.severity],
        },
    }
    if finding.url:
        rule["helpUri"] = finding.url
    return rule


def _result(told: ToldImage, one: Told, number: int) -> dict[str, Any]:
    finding = one.finding
    uri, line = _place(told, finding)
    result: dict[str, Any] = {
        "ruleId": finding.id,
        "ruleIndex": number,
        "level": _level(finding),
        "message": {"text": _message(told, one)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(uri), "uriBaseId": "ROOTPATH"},
                    "region": {"startLine": line},
                },
                "message": {"text": finding.where or told.image},
            }
        ],
        "partialFingerprints": _fingerprints(told, finding, uri),
        "properties": {"scanners": list(one.scanners), "gate": one.mark.value},
    }
    suppression = _suppression(one)
    if suppression is not None:
        result["suppressions"] = [suppression]
    return result


def _message(told: ToldImage, one: Told) -> str:
    finding = one.finding
    package = f" in {finding.package} {finding.version or ''}".rstrip() if finding.package else ""
    fixed = f"; fixed in {finding.fixed_in}" if finding.fixed_in else ""
    title = f": {finding.title}" if finding.title else ""
    return (
        f"{finding.severity.label} {finding.kind} {finding.id}{package}{title}{fixed} "
        f"({told.image}, {told.platform})"
    )


def _suppression(one: Told) -> dict[str, Any] | None:
    """Return why a result need not be looked at (SARIF 2.1.0, section 3.35)."""
    if one.mark is Mark.EXCEPTED and one.exemption is not None:
        granted = one.exemption
        why = f"{granted.reason} (until {granted.expires}, {granted.owner})"
    elif one.mark is Mark.HARMLESS:
        why = f"OpenVEX: {one.finding.vex}"
    else:
        return None
    return {"kind": "external", "status": "accepted", "justification": why}


def _place(told: ToldImage, finding: Finding) -> tuple[str, int]:
    """Return a relative path and a line; what is in no file is in the image."""
    where = finding.where
    if not where or where.startswith("image "):
        return told.image, 1
    lined = _LINE.match(where) if finding.kind is Kind.SECRET else None
    path = where if lined is None else lined["path"]
    line = 1 if lined is None else int(lined["line"])
    return path.lstrip("/") or told.image, line


def _fingerprints(told: ToldImage, finding: Finding, uri: str) -> dict[str, str]:
    """Return what makes it the same thing in the next run, though versions and lines moved."""
    parts = (told.image, told.platform, finding.kind, finding.id, finding.package or "", uri)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    # The first is the one name that GitHub reads; its form is a hash and an occurrence.
    return {"primaryLocationLineHash": f"{digest[:16]}:1", "keelwayFinding/v1": digest}


def _invocation(cut: Sequence[Told]) -> dict[str, Any]:
    notes: list[dict[str, Any]] = []
    if cut:
        counts = {severity.label: 0 for severity in sorted(Severity, reverse=True)}
        for one in cut:
            counts[one.finding.severity.label] += 1
        said = ", ".join(f"{number} {label}" for label, number in counts.items() if number)
        text = (
            f"{len(cut)} results are left out, for services take no more than a fixed number: "
            f"{said}; the scanners' own reports have them all"
        )
        notes.append({"level": "warning", "message": {"text": text}})
    return {"executionSuccessful": True, "toolExecutionNotifications": notes}


def _level(finding: Finding) -> str:
    return _LEVELS.get(finding.severity, "note")


def _camel(kind: Kind) -> str:
    return kind.value.capitalize()
