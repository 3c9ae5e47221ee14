"""A finished run in a few lines, for the end of a terminal or a log."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from keelway.model.findings import found_text
from keelway.model.load import LoadMeasure, measure_text, shown_ms
from keelway.model.reuse import reused_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.report.document import ReportDocument
    from keelway.report.load_part import LoadPart
    from keelway.report.policy_part import OutcomeName, PolicyPart, StartPart
    from keelway.report.tests_part import TestsPart


def summary(report: ReportDocument) -> str:
    """Return what was made, what was found and how much of it was cached."""
    return "\n".join(_lines(report))


def _lines(report: ReportDocument) -> Iterator[str]:
    for image in report.images or ():
        yield f"built      {image.name} for {', '.join(image.platforms)}"
    yield from _judged(report)
    yield from _delivered(report)
    yield from (
        f"skipped    {stage.name}: {stage.reason}"
        for stage in report.stages
        if stage.status == "skipped"
    )
    yield _steps(report)


def _judged(report: ReportDocument) -> Iterator[str]:
    if report.policy is not None:
        yield f"policy     {_outcomes(report.policy)}"
        yield from (f"           {_start(one)}" for one in report.policy.starts)
    if report.scan is not None:
        found = [f for target in report.scan.targets for f in target.findings]
        yield f"found      {found_text((finding.kind, finding.severity) for finding in found)}"
    if report.load is not None:
        yield from _load(report.load)
    if report.sbom is not None:
        yield f"listed     {len(report.sbom.documents)} SBOM documents"
    if report.tests is not None:
        yield f"tested     {_tests(report.tests)}"
    if report.verdict is not None:
        yield f"gate       {'passed' if report.verdict.passed else 'refused'}"
        yield from (f"           not judged: {what}" for what in report.verdict.not_judged)
        yield from (f"           {warning}" for warning in report.verdict.warnings)
        for passed in report.verdict.excepted:
            yield f"           excepted until {passed.expires}: {passed.id} ({passed.owner})"


def _delivered(report: ReportDocument) -> Iterator[str]:
    for published in report.published or ():
        yield from (f"published  {reference}" for reference in published.references)
    yield from (f"missing    {line}" for line in report.missing)
    if report.signatures is not None:
        number = len({evidence.subject for evidence in report.signatures.evidence})
        yield f"signed     {number} digests by {report.signatures.signer}"
    if report.attestations is not None:
        yield f"attested   {len(report.attestations.evidence)} statements"


def _start(one: StartPart) -> str:
    stopped = "killed" if one.stopped_ms is None else f"stopped in {shown_ms(one.stopped_ms)}"
    return (
        f"{one.image} ({one.platform}) healthy after {shown_ms(one.healthy_ms)}, "
        f"{one.memory_bytes / 1e6:.1f} MB, {stopped}{', emulated' if one.emulated else ''}"
    )


def _load(load: LoadPart) -> Iterator[str]:
    held = [not one.crossed for one in load.thresholds]
    held += [not one.crossed for one in load.regressions]
    reused = reused_text(load.ran_at, reused=load.reused)
    yield f"load       {measure_text(LoadMeasure(**load.measure.model_dump()))}{reused}"
    yield f"           {sum(held)} of {len(held)} thresholds held"
    if load.released is not None:
        yield f"           before: {measure_text(LoadMeasure(**load.released.model_dump()))}"


def _outcomes(policy: PolicyPart) -> str:
    counts = Counter(result.outcome for result in policy.results)
    told: tuple[OutcomeName, ...] = ("failed", "warned", "passed", "skipped")
    found = [f"{counts[name]} {name}" for name in told if counts[name]]
    return ", ".join(found) or "nothing was looked at"


def _tests(tests: TestsPart) -> str:
    counts = Counter(case.status for suite in tests.suites for case in suite.cases)
    found = [
        f"{counts[name]} {name}"
        for name in ("failed", "error", "skipped", "passed")
        if counts[name]
    ]
    services = sum(len(suite.services) for suite in tests.suites)
    reused = [suite for suite in tests.suites if suite.reused]
    oldest = min((suite.ran_at for suite in reused if suite.ran_at), default=None)
    told = f"; {len(reused)} of them{reused_text(oldest, reused=True)}" if reused else ""
    return (
        f"{', '.join(found) or 'nothing'} beside {services} services in {len(tests.suites)} suites"
        f"{told}"
    )


def _steps(report: ReportDocument) -> str:
    steps = report.steps
    total = steps.run + steps.cached + steps.failed
    if not total:
        return f"took       {report.seconds:.1f} s"
    share = 100 * steps.cached // total
    return f"took       {report.seconds:.1f} s; {steps.cached} of {total} steps cached ({share} %)"
