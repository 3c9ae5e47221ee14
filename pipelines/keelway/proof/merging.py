"""What several machines found, put together as if one had found it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from keelway.model.findings import Findings
from keelway.model.load import LoadReport
from keelway.model.outcome import Skipped
from keelway.model.policy import PolicyReport
from keelway.model.sbom import Sboms
from keelway.model.tests import TestResults

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keelway.model.policy import PolicyResult
    from keelway.proof.document import Proof

TOGETHER = "tested together, once all images of the platform are built"
"""Why a proof has no tests where another one has them of its images."""
JUDGED = "done where each image was built"
"""Why a proof that has only tests has nothing else."""

R = TypeVar("R", PolicyReport, Findings, TestResults)


def merged_policy(proofs: Sequence[Proof]) -> PolicyReport | Skipped:
    """Return the results of all; what holds for all platforms is told once."""
    reports, rest = _parted(PolicyReport, [(one, one.policy) for one in proofs])
    if not reports:
        return rest[0][1]
    results: dict[tuple[object, ...], PolicyResult] = {}
    for result in (result for report in reports for result in report.results):
        key = (result.rule, result.outcome, result.image, result.platform, result.message)
        results.setdefault((*key, result.where), result)
    return PolicyReport(
        results=tuple(
            sorted(
                results.values(),
                key=lambda one: (not one.failed, one.image, one.platform or "", one.rule),
            )
        ),
        measures=tuple(measure for report in reports for measure in report.measures),
        starts=tuple(start for report in reports for start in report.starts),
        notes=_notes(reports, rest),
    )


def merged_findings(proofs: Sequence[Proof]) -> Findings | Skipped:
    """Return the findings in all images."""
    reports, rest = _parted(Findings, [(one, one.findings) for one in proofs])
    if not reports:
        return rest[0][1]
    return Findings(
        targets=tuple(target for report in reports for target in report.targets),
        scanners=tuple(dict.fromkeys(name for report in reports for name in report.scanners)),
        notes=_notes(reports, rest),
    )


def merged_sboms(proofs: Sequence[Proof]) -> Sboms | Skipped:
    """Return the documents about all images."""
    reports, rest = _parted(Sboms, [(one, one.sboms) for one in proofs])
    if not reports:
        return rest[0][1]
    documents = tuple(document for report in reports for document in report.documents)
    return replace(reports[0], documents=documents)


def merged_tests(proofs: Sequence[Proof]) -> TestResults | Skipped:
    """Return what the suites said on each machine."""
    reports, rest = _parted(TestResults, [(one, one.tests) for one in proofs])
    if not reports:
        return rest[0][1]
    suites = tuple(suite for report in reports for suite in report.suites)
    return TestResults(suites=suites, notes=_notes(reports, rest))


def merged_load(proofs: Sequence[Proof]) -> LoadReport | Skipped:
    """Return the figures of the first machine that has some: those of others are not its figures.

    Each machine's own gate has judged its own.
    """
    reports, rest = _parted(LoadReport, [(one, one.load) for one in proofs])
    return reports[0] if reports else rest[0][1]


T = TypeVar("T")


def _parted(
    kind: type[T], given: Iterable[tuple[Proof, T | Skipped]]
) -> tuple[list[T], list[tuple[Proof, Skipped]]]:
    """Return what there is, and where there is nothing."""
    reports: list[T] = []
    rest: list[tuple[Proof, Skipped]] = []
    for proof, result in given:
        if isinstance(result, Skipped):
            rest.append((proof, result))
        elif isinstance(result, kind):
            reports.append(result)
    return reports, rest


def _notes(reports: Sequence[R], rest: Sequence[tuple[Proof, Skipped]]) -> tuple[str, ...]:
    told = [note for report in reports for note in report.notes]
    for proof, skipped in rest:
        if skipped.reason in {TOGETHER, JUDGED}:
            continue
        places = ", ".join(f"{image.name} ({image.platform})" for image in proof.images)
        told.append(f"nothing of {places}: {skipped.reason}")
    return tuple(dict.fromkeys(told))
