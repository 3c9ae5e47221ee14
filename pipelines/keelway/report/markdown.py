"""`report.md`: a run on one page of Markdown, as a CI shows it beside the job.

GitHub drops a summary of more than 1 MiB, so this one is cut before that: what matters most comes
first, and what is left out is counted. Headings begin at the third level, as the CI has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.load import LoadMeasure, measure_text
from keelway.model.reuse import reused_text
from keelway.policy.budget import shown_size
from keelway.report.markdown_text import Block, cell, code, columns, fenced, row
from keelway.report.page.delivery import verify_commands
from keelway.report.page.findings import SEVERITIES, same_findings
from keelway.report.page.overview import OUTCOMES, SHORT, headline, platforms
from keelway.report.page.shown import plural, seconds
from keelway.report.page.tests import answered, recovered, sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.report.document import ReportDocument
    from keelway.report.page.findings import Same
    from keelway.report.tests_part import FaultPart, ServicePart, SuitePart

MARKDOWN_FILE = "report.md"

LIMIT_BYTES = 1024 * 1024 - 16 * 1024
"""No page is larger: GitHub's limit, less some room for what other tools say in the same step."""

_LONG = 32
"""A block that would take more than this part of the page waits for the others."""


def markdown(report: ReportDocument, limit_bytes: int = LIMIT_BYTES) -> str:
    """Return the page.

    Args:
        report: The run.
        limit_bytes: How large it may be; headings and counts are there in any case.
    """
    blocks = tuple(_blocks(report))
    room = limit_bytes - sum(block.least_bytes + 1 for block in blocks)
    texts: dict[int, str] = {}
    # A long list must not push out the short ones that come after it.
    fair = limit_bytes // _LONG
    for position in sorted(range(len(blocks)), key=lambda at: (blocks[at].row_bytes > fair, at)):
        texts[position], used = blocks[position].filled(room)
        room -= used
    return "\n".join(texts[position] for position in sorted(texts))


def _blocks(report: ReportDocument) -> Iterator[Block]:
    """Yield the parts of the page, the most important first."""
    yield _top(report)
    yield from _reasons(report)
    yield from _tests(report)
    yield from _findings(report)
    yield from _images(report)
    yield from _load(report)
    yield from _release(report)
    yield _stages(report)


def _top(report: ReportDocument) -> Block:
    word, _ = OUTCOMES[report.outcome]
    version = f" {cell(report.version)}" if report.version else ""
    facts = [cell(headline(report)), ""]
    if report.commit is not None:
        changed = " with changes that are not committed" if report.commit.dirty else ""
        facts.append(f"Commit {code(report.commit.sha[:SHORT])}{changed}. ")
    facts.append(f"Took {seconds(report.seconds)}; {_steps(report)}.")
    if platforms(report):
        facts.append(f"For {cell(', '.join(platforms(report)))}.")
    return Block(title=f"{cell(report.project)}{version}: {word}", head="\n".join(facts) + "\n")


def _steps(report: ReportDocument) -> str:
    steps = report.steps
    total = steps.run + steps.cached + steps.failed
    return f"{steps.cached:,} of {plural(total, 'step')} cached"


def _reasons(report: ReportDocument) -> Iterator[Block]:
    said = report.verdict
    if report.error is not None and (said is None or report.outcome != "refused"):
        yield Block(title="Why it stopped", rows=(fenced(report.error.diagnostics),))
    if said is None:
        return
    if said.breaches:
        rows = tuple(f"- {cell(breach.text)}\n" for breach in said.breaches)
        head = f"The gate refuses: {cell(said.rule)}\n\n"
        title = f"The gate refuses for {plural(len(rows), 'reason')}"
        yield Block(title=title, head=head, rows=rows)
    if said.excepted:
        yield Block(
            title="Passed by an exception",
            head=columns("What", "Image", "Why", "Owner", "Until"),
            rows=tuple(
                row(
                    cell(one.id),
                    cell(one.image),
                    cell(one.reason),
                    cell(one.owner),
                    f"{one.expires}",
                )
                for one in said.excepted
            ),
        )
    remarks = [*said.warnings, *(f"not judged: {what}" for what in said.not_judged)]
    if remarks:
        yield Block(title="", rows=tuple(f"- {cell(remark)}\n" for remark in remarks))


def _tests(report: ReportDocument) -> Iterator[Block]:
    if report.tests is None:
        return
    suites = report.tests.suites
    yield Block(
        title="Tests",
        head=columns("Suite", "Passed", "Failed", "Errors", "Skipped", "Took"),
        rows=tuple(_suite(suite) for suite in suites),
    )
    faults = [fault for suite in suites for fault in suite.faults]
    if faults:
        yield Block(
            title="Fault injection",
            head=columns("Experiment", "Fault", "Expected", "Answered during it", "Recovered"),
            rows=tuple(
                row(*map(cell, (_named(one), one.done, one.expect, answered(one), recovered(one))))
                for one in faults
            ),
        )
    for suite in suites:
        failed = [case for case in suite.cases if case.status in {"failed", "error"}]
        if failed or not suite.cases:
            rows = [
                f"- **{case.status}** {cell(case.name)}: {cell(case.message)}\n" for case in failed
            ]
            rows += [_service(service) for service in sorted(suite.services, key=sound)]
            yield Block(title=f"What failed in {cell(suite.name)}", rows=tuple(rows))


def _named(fault: FaultPart) -> str:
    return f"{fault.name}{reused_text(fault.ran_at, reused=fault.reused)}"


def _suite(suite: SuitePart) -> str:
    platform = f" ({suite.platform})" if suite.platform else ""
    found = [
        str(sum(case.status == status for case in suite.cases))
        for status in ("passed", "failed", "error", "skipped")
    ]
    reused = reused_text(suite.ran_at, reused=suite.reused)
    return row(cell(f"{suite.name}{platform}{reused}"), *found, seconds(suite.seconds))


def _service(service: ServicePart) -> str:
    ended = f", exit code {service.code}" if service.code is not None else ""
    why = f": {cell(service.why)}" if service.why else ""
    beside = f" in {cell(service.experiment)}" if service.experiment else ""
    told = [f"\n**{cell(service.name)}**{beside} {cell(service.state)}{ended}{why}\n"]
    for title, text in (("Health check", service.health), ("Last lines of its log", service.tail)):
        if text.strip():
            told.append(f"\n{title}:\n\n{fenced(text)}")
    return "".join(told)


def _findings(report: ReportDocument) -> Iterator[Block]:
    if report.scan is None:
        return
    targets = report.scan.targets
    yield Block(
        title="Findings",
        head=columns("Image", *(level.capitalize() for level in SEVERITIES)),
        rows=tuple(
            row(
                cell(f"{target.image} ({target.platform})"),
                *(str(getattr(target.counts, level)) for level in SEVERITIES),
            )
            for target in targets
        ),
    )
    same = same_findings(report)
    if same:
        yield Block(
            title="",
            fold=f"All {plural(len(same), 'finding')}, worst first",
            head=columns("Severity", "Finding", "Package", "Fixed in", "Image", "Gate"),
            rows=tuple(_finding(one) for one in same),
        )


def _finding(same: Same) -> str:
    finding = same.finding
    package = " ".join(filter(None, (finding.package, finding.version))) or finding.where
    where = f"{', '.join(same.images)} ({', '.join(same.platforms)})"
    return row(
        finding.severity,
        f"{cell(finding.id)}: {cell(finding.title)}",
        cell(package),
        cell(finding.fixed_in or "-"),
        cell(where),
        ", ".join(same.gate),
    )


def _images(report: ReportDocument) -> Iterator[Block]:
    if report.policy is None:
        return
    broken = [one for one in report.policy.results if one.outcome in {"failed", "warned"}]
    if broken:
        rows = tuple(
            f"- **{one.outcome}** {cell(one.rule)} of {cell(one.image)}: {cell(one.message)}\n"
            for one in broken
        )
        yield Block(title="Policy", rows=rows)
    if report.policy.measures:
        yield Block(
            title="Sizes",
            head=columns("Image", "Unpacked", "Compressed", "Layers"),
            rows=tuple(
                row(
                    cell(f"{one.image} ({one.platform})"),
                    shown_size(one.size_bytes),
                    shown_size(one.compressed_bytes),
                    str(one.layers),
                )
                for one in report.policy.measures
            ),
        )


def _load(report: ReportDocument) -> Iterator[Block]:
    found = report.load
    if found is None:
        return
    reused = reused_text(found.ran_at, reused=found.reused)
    rows = [f"{cell(measure_text(LoadMeasure(**found.measure.model_dump())))}{reused}\n\n"]
    if found.released is not None:
        before = measure_text(LoadMeasure(**found.released.model_dump()))
        rows.append(f"The last release: {cell(before)}\n\n")
    told = [(f"{one.metric}: {one.expression}", one.crossed) for one in found.thresholds]
    told += [(one.text, one.crossed) for one in found.regressions]
    rows += [f"- {'**crossed**' if crossed else 'held'} {code(text)}\n" for text, crossed in told]
    yield Block(title="Load", rows=tuple(rows))


def _release(report: ReportDocument) -> Iterator[Block]:
    if report.tag_rules:
        yield Block(
            title="Tags",
            head=columns("Tag", "Rule"),
            rows=tuple(row(code(one.tag), code(one.rule)) for one in report.tag_rules),
        )
    references = [name for image in report.published or () for name in image.references]
    if references:
        rows = tuple(f"- {code(reference)}\n" for reference in references)
        yield Block(title="Published", rows=rows)
    if report.missing:
        rows = tuple(f"- {code(line)}\n" for line in report.missing)
        yield Block(title="Missing", rows=rows)
    commands = verify_commands(report)
    if commands:
        yield Block(title="Verify", rows=(fenced("\n".join(commands), "sh"),))


def _stages(report: ReportDocument) -> Block:
    return Block(
        title="Stages",
        fold=f"{plural(len(report.stages), 'stage')} in {seconds(report.seconds)}",
        head=columns("Stage", "Outcome", "Took", ""),
        rows=tuple(
            row(
                cell(stage.name),
                "done" if stage.status == "ok" else stage.status,
                "" if stage.seconds is None else seconds(stage.seconds),
                cell(stage.reason or stage.error or ""),
            )
            for stage in report.stages
        ),
    )
