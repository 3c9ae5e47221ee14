"""What the scanners found in an image, each thing once, with what the gate made of it. Pure.

Two scanners find the same hole: people and code-scanning services want to hear of it once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from keelway.model.exemption import VexStatus
from keelway.model.findings import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keelway.model.exemption import Exemption
    from keelway.model.findings import Findings, ImageFindings, OperatingSystem
    from keelway.model.image import Digest
    from keelway.model.platform import Platform
    from keelway.model.tool import ToolVersion
    from keelway.model.verdict import Verdict

_HARMLESS = frozenset({VexStatus.NOT_AFFECTED, VexStatus.FIXED})


class Mark(StrEnum):
    """What became of a finding at the gate."""

    REFUSED = "refused"
    EXCEPTED = "excepted"
    HARMLESS = "harmless"
    """An OpenVEX document says that the image is not affected."""
    PASSED = "passed"
    NOT_JUDGED = "not judged"
    """The run ended before the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that was found."""

    finding: Finding
    """As the scanner has it that takes it most seriously."""
    scanners: tuple[str, ...]
    """Who found it."""
    mark: Mark
    exemption: Exemption | None = None
    """What lets it through."""

    @property
    def suppressed(self) -> bool:
        """Whether it is there and need not be looked at."""
        return self.mark in {Mark.EXCEPTED, Mark.HARMLESS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldImage:
    """One image for one platform, by all scanners that looked at it."""

    image: str
    platform: Platform
    digest: Digest
    tools: tuple[ToolVersion, ...]
    os: OperatingSystem | None
    told: tuple[Told, ...]
    """Worst first."""


def tell(
    findings: Findings, verdict: Verdict | None, kinds: Iterable[Kind]
) -> tuple[ToldImage, ...]:
    """Return each image for each platform, with what was found of the kinds that count.

    Args:
        findings: What the scanners found.
        verdict: What the gate said; nothing when it was not asked.
        kinds: What the gate looks at; the rest is in the scanners' own reports.
    """
    wanted = frozenset(kinds)
    targets = sorted(findings.targets, key=_place)
    return tuple(_tell(tuple(group), verdict, wanted) for _, group in groupby(targets, key=_place))


def _place(target: ImageFindings) -> tuple[str, str]:
    return (target.image, target.platform)


def _tell(
    targets: tuple[ImageFindings, ...], verdict: Verdict | None, wanted: frozenset[Kind]
) -> ToldImage:
    first = targets[0]
    found: dict[tuple[str | None, ...], list[tuple[str, Finding]]] = {}
    for target in targets:
        for finding in target.findings:
            if finding.kind in wanted:
                found.setdefault(_identity(finding), []).append((target.tool.name, finding))
    judged = _Judged(first, verdict)
    told = [judged.tell(same) for same in found.values()]
    return ToldImage(
        image=first.image,
        platform=first.platform,
        digest=first.digest,
        tools=tuple(dict.fromkeys(target.tool for target in targets)),
        os=next((target.os for target in targets if target.os is not None), None),
        told=tuple(sorted(told, key=lambda one: -one.finding.severity)),
    )


def _identity(finding: Finding) -> tuple[str | None, ...]:
    """Return what makes two findings the same thing; scanners name places differently."""
    place = finding.where if finding.package is None else None
    return (finding.kind, finding.id, finding.package, finding.version, place)


class _Judged:
    """What the gate said of one image for one platform."""

    def __init__(self, target: ImageFindings, verdict: Verdict | None) -> None:
        self._verdict = verdict
        self._refused: set[Finding] = set()
        self._excepted: dict[Finding, Exemption] = {}
        if verdict is None:
            return
        here = (target.image, target.platform)
        for breach in verdict.breaches:
            if isinstance(breach.what, Finding) and (breach.image, breach.platform) == here:
                self._refused.add(breach.what)
        for passed in verdict.excepted:
            if isinstance(passed.what, Finding) and (passed.image, passed.platform) == here:
                self._excepted[passed.what] = passed.exemption

    def tell(self, same: list[tuple[str, Finding]]) -> Told:
        """Return one thing for what several scanners, or one at several places, found."""
        findings = [finding for _, finding in same]
        worst = max(findings, key=lambda one: one.severity)
        fixed = next((one.fixed_in for one in findings if one.fixed_in), None)
        return Told(
            finding=worst if worst.fixed_in else replace(worst, fixed_in=fixed),
            scanners=tuple(dict.fromkeys(name for name, _ in same)),
            mark=self._mark(findings),
            exemption=next(self._exemptions(findings), None),
        )

    def _exemptions(self, findings: list[Finding]) -> Iterator[Exemption]:
        return (self._excepted[one] for one in findings if one in self._excepted)

    def _mark(self, findings: list[Finding]) -> Mark:
        if self._verdict is None:
            return Mark.NOT_JUDGED
        if any(one in self._refused for one in findings):
            return Mark.REFUSED
        if any(one in self._excepted for one in findings):
            return Mark.EXCEPTED
        if all(one.vex in _HARMLESS for one in findings):
            return Mark.HARMLESS
        return Mark.PASSED
