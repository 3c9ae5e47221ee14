"""The head of the page: what was built, and what the gate says of it, reasons first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.report.page.markup import Html, join, link, tag
from keelway.report.page.shown import (
    absent,
    facts,
    mark,
    moment,
    notes,
    output,
    plural,
    seconds,
    section,
    table,
)

if TYPE_CHECKING:
    from keelway.report.document import ReportDocument, VerdictPart

SHORT = 12
"""So many characters of a commit's name are shown."""

OUTCOMES = {
    "ok": ("passed", "ok"),
    "refused": ("refused", "bad"),
    "failed": ("failed", "bad"),
    "cancelled": ("stopped", "warn"),
}
"""What each outcome is called, and how it is marked."""

MOST_BREACHES = 200
"""So many reasons are told; the rest is counted."""


def heading(report: ReportDocument) -> Html:
    """Return the page's title with what was built below it."""
    word, kind = OUTCOMES[report.outcome]
    version = f" {report.version}" if report.version else ""
    return tag(
        "header",
        tag("p", "keelway report", cls="kicker"),
        tag("h1", join(f"{report.project}{version} ", mark(word, kind))),
        tag("p", headline(report), cls="headline"),
        facts(
            [
                ("Commit", _commit(report)),
                ("Images", ", ".join(image.name for image in report.images or ())),
                ("Platforms", ", ".join(platforms(report))),
                ("Began", moment(report.started_at)),
                ("Took", seconds(report.seconds)),
                ("Engine", _engine(report)),
                ("CI", _job(report)),
                ("keelway", report.keelway),
            ]
        ),
    )


def headline(report: ReportDocument) -> str:
    """Return the run in one sentence."""
    built = plural(len(report.images or ()), "image")
    if report.outcome == "refused":
        number = len(report.verdict.breaches) if report.verdict is not None else 0
        return f"The gate refuses {built} for {plural(number, 'reason')}; nothing was published."
    if report.outcome != "ok":
        return report.error.message if report.error is not None else "The run did not end well."
    if report.published:
        signed = " and signed" if report.signatures is not None else ""
        return f"{built} built, judged, published{signed}."
    judged = "passed the gate" if report.verdict is not None else "built, not judged"
    return f"{built} {judged}; nothing was published."


def platforms(report: ReportDocument) -> tuple[str, ...]:
    """Return every platform that was built for, once."""
    found = (platform for image in report.images or () for platform in image.platforms)
    return tuple(dict.fromkeys(found))


def verdict(report: ReportDocument) -> Html:
    """Return what the gate said; what stopped the run stands first."""
    said = report.verdict
    judged = (
        absent(report, "gate", "The gate did not judge")
        if said is None
        else join(_reasons(said), _passed_over(said))
    )
    return section("verdict", "Verdict", _error(report), judged)


def _error(report: ReportDocument) -> Html | None:
    """Return what stopped the run, unless that is the gate, whose reasons follow."""
    if report.error is None or (report.outcome == "refused" and report.verdict is not None):
        return None
    title = f"{report.error.type}, exit code {report.exit_code}"
    return tag("div", output(title, report.error.diagnostics), cls="error")


def _reasons(said: VerdictPart) -> Html:
    rule = tag("p", "The gate refuses: ", tag("em", said.rule), cls="rule")
    if not said.breaches:
        return join(
            tag("p", mark("passed", "ok"), " Nothing that the gate refuses was found."), rule
        )
    shown = said.breaches[:MOST_BREACHES]
    left_out = len(said.breaches) - len(shown)
    return join(
        tag("p", mark("refused", "bad"), f" {plural(len(said.breaches), 'reason')}:"),
        table(
            "Reasons why the gate refuses",
            ("What", "Image", "Breaks", "Reason"),
            [
                (
                    tag("strong", breach.id),
                    " ".join(filter(None, (breach.image, breach.platform))),
                    breach.because,
                    breach.text,
                )
                for breach in shown
            ],
        ),
        tag("p", f"and {left_out:,} more, all of them in report.json") if left_out else None,
        rule,
    )


def _passed_over(said: VerdictPart) -> Html:
    excepted = None
    if said.excepted:
        excepted = table(
            "Passed by an exception",
            ("What", "Image", "Why", "Owner", "Until"),
            [
                (
                    one.id,
                    " ".join(filter(None, (one.image, one.platform))),
                    one.reason,
                    one.owner,
                    one.expires.isoformat(),
                )
                for one in said.excepted
            ],
        )
    return join(excepted, notes("Warnings", said.warnings), notes("Not judged", said.not_judged))


def _commit(report: ReportDocument) -> Html | None:
    commit = report.commit
    if commit is None:
        return None
    where = ", ".join(
        filter(
            None,
            (
                f"tag {commit.tag}" if commit.tag else None,
                f"branch {commit.branch}" if commit.branch else None,
                commit.remote,
            ),
        )
    )
    changed = join(" ", mark("with changes that are not committed", "warn"))
    return join(
        tag("code", commit.sha[:SHORT], title=commit.sha),
        f" {where}" if where else None,
        changed if commit.dirty else None,
    )


def _engine(report: ReportDocument) -> str | None:
    engine = report.engine
    return None if engine is None else f"{engine.name} {engine.version} ({engine.reason})"


def _job(report: ReportDocument) -> Html | None:
    job = report.job
    if job is None:
        return None
    number = f" {job.pull_request}" if job.pull_request else ""
    actor = f", by {job.actor}" if job.actor else ""
    return join(link(job.run_url, job.provider), f": {job.event}{number}{actor}")
