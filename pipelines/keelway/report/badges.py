"""Badges: small pictures for a README, and the same as data for shields.io's endpoint badge.

Example:
    >>> badge = Badge(label="gate", message="passed", colour=GOOD)
    >>> endpoint(badge)["message"]
    'passed'
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.policy.budget import shown_size
from keelway.report.page.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.report.document import ReportDocument

# White letters are readable on all of them: contrast above 4.5.
GOOD, BAD, WARN, NEUTRAL, LABEL = "2e7d32", "b3261e", "8a5a00", "4a5568", "3c4149"

_NARROW, _WIDE = set("ijl.,:;|!'()[] fIrt-/"), set("mwMW@%OQGDCHNU")
_HEIGHT, _PADDING = 20, 6
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """One badge."""

    label: str
    message: str
    colour: str
    """Six hexadecimal digits."""


def badges(report: ReportDocument) -> Mapping[str, Badge]:
    """Return the badges of a run by name; what the run does not know has none."""
    return dict(_badges(report))


def _badges(report: ReportDocument) -> Iterator[tuple[str, Badge]]:
    yield "build", _build(report)
    if report.verdict is not None:
        passed = report.verdict.passed
        word, colour = ("passed", GOOD) if passed else ("refused", BAD)
        yield "gate", Badge(label="gate", message=word, colour=colour)
    if report.scan is not None:
        yield "findings", _findings(report)
    if report.policy is not None and report.policy.measures:
        size = max(measure.compressed_bytes for measure in report.policy.measures)
        yield "size", Badge(label="image size", message=shown_size(size), colour=NEUTRAL)
    yield "signed", _signed(report)


def _build(report: ReportDocument) -> Badge:
    version = f" {report.version}" if report.version else ""
    if report.images is None:
        word = {"cancelled": ("stopped", WARN)}.get(report.outcome, ("failed", BAD))
        return Badge(label="build", message=word[0], colour=word[1])
    return Badge(label="build", message=f"passed{version}", colour=GOOD)


def _findings(report: ReportDocument) -> Badge:
    counts = {} if report.scan is None else report.scan.counts.model_dump()
    found = [f"{number} {level}" for level, number in counts.items() if number]
    colour = GOOD
    if counts.get("critical") or counts.get("high"):
        colour = BAD
    elif found:
        colour = WARN
    return Badge(label="findings", message=", ".join(found[:2]) or "none", colour=colour)


def _signed(report: ReportDocument) -> Badge:
    made = report.signatures
    if made is None or not made.evidence:
        return Badge(label="signed", message="no", colour=NEUTRAL)
    keyless = made.signer.endswith("(keyless)")
    return Badge(label="signed", message="keyless" if keyless else "by key", colour=GOOD)


def badge_files(report: ReportDocument) -> Mapping[str, str]:
    """Return the badges as files: `badges/NAME.svg`, and `.json` for shields.io's endpoint."""
    files: dict[str, str] = {}
    for name, badge in badges(report).items():
        files[f"badges/{name}.svg"] = svg(badge)
        files[f"badges/{name}.json"] = json.dumps(endpoint(badge)) + "\n"
    return files


def endpoint(badge: Badge) -> dict[str, object]:
    """Return a badge in the form of shields.io's endpoint, version 1."""
    return {
        "schemaVersion": 1,
        "label": badge.label,
        "message": badge.message[:_LONGEST],
        "color": badge.colour,
        "labelColor": LABEL,
    }


def svg(badge: Badge) -> str:
    """Return a badge as a picture that needs no font of its own."""
    message = badge.message[:_LONGEST]
    left, right = (_width(text) + 2 * _PADDING for text in (badge.label, message))
    told = f"{badge.label}: {message}"
    picture = tag(
        "svg",
        tag("title", told),
        # Round outside, straight where they meet; no ids, so that several may be in one page.
        tag("rect", width=left + right, height=_HEIGHT, rx=3, fill=f"#{badge.colour}"),
        tag("rect", width=left, height=_HEIGHT, rx=3, fill=f"#{LABEL}"),
        tag("rect", x=left - 3, width=3, height=_HEIGHT, fill=f"#{LABEL}"),
        tag(
            "g",
            _text(badge.label, 0, left),
            _text(message, left, right),
            fill="#fff",
            text_anchor="middle",
            font_family="Verdana,Geneva,DejaVu Sans,sans-serif",
            font_size=11,
        ),
        xmlns="http://www.w3.org/2000/svg",
        width=left + right,
        height=_HEIGHT,
        role="img",
        aria_label=told,
    )
    return f"{picture}\n"


def _text(text: str, begin: int, width: int) -> Html:
    """Return a text in the middle of its part, drawn as wide as it was reckoned to be."""
    middle, length = begin + width / 2, width - 2 * _PADDING
    return tag("text", text, x=middle, y=14, textLength=length, lengthAdjust="spacingAndGlyphs")


def _width(text: str) -> int:
    """Return about how wide a text is in Verdana of 11 pixels."""
    widths = (4.2 if one in _NARROW else 9.0 if one in _WIDE else 6.9 for one in text)
    return max(round(sum(widths)), 1)
