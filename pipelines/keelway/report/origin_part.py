"""What a release was made from, as `report.json` has it: commit, CI job, tag rules."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING

from keelway.report.part import Part

if TYPE_CHECKING:
    from keelway.facts.ci.job import CiJob
    from keelway.facts.here import Facts
    from keelway.tags.naming import Names


class CommitPart(Part):
    """The git commit."""

    sha: str
    committed_at: datetime
    branch: str | None
    tag: str | None
    dirty: bool
    """Whether the working tree differed from it."""
    remote: str | None
    """The address of `origin`, without a login."""


class JobPart(Part):
    """The job of a CI."""

    provider: str
    """Its name for people."""
    event: str
    repository: str | None
    run_url: str | None
    actor: str | None
    pull_request: str | None


class TagPart(Part):
    """One tag, and how it came about."""

    tag: str
    rule: str
    floats: bool
    """Whether later releases take it over, as they do `latest`."""
    notes: tuple[str, ...]


class UnusedRulePart(Part):
    """A rule that gave no tag."""

    rule: str
    reason: str


class Origin(Part):
    """All that is known before a run begins."""

    version: str | None = None
    commit: CommitPart | None = None
    job: JobPart | None = None
    tag_rules: tuple[TagPart, ...] = ()
    unused_rules: tuple[UnusedRulePart, ...] = ()


def origin_of(names: Names, facts: Facts | None = None) -> Origin:
    """Return what a release is made from.

    Args:
        names: Its tags.
        facts: What is true here, where somebody looked.
    """
    return Origin(
        version=names.version,
        commit=None if facts is None else _commit(facts),
        job=None if facts is None or facts.job is None else _job(facts.job),
        tag_rules=tuple(
            TagPart(tag=named.tag, rule=named.rule, floats=named.floats, notes=named.notes)
            for named in names.named
        ),
        unused_rules=tuple(
            UnusedRulePart(rule=unused.rule, reason=unused.reason) for unused in names.unused
        ),
    )


def _commit(facts: Facts) -> CommitPart | None:
    commit = facts.commit
    if commit is None:
        return None
    return CommitPart(
        sha=commit.sha,
        committed_at=commit.committed_at,
        branch=commit.branch,
        tag=commit.tag,
        dirty=commit.dirty,
        remote=commit.remote,
    )


def _job(job: CiJob) -> JobPart:
    return JobPart(
        provider=job.title,
        event=job.event,
        repository=job.repository,
        run_url=job.run_url,
        actor=job.actor,
        pull_request=job.pull_request,
    )
