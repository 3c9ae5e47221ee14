"""Semaphore.

Variables: https://docs.semaphore.io/reference/env-vars
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
    differ,
    flag,
    marked,
    pull_ref,
    pushed,
    tag_ref,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import Read
    from keelway.tags.occasion import Event, GitRef


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    ref = _ref(environ)
    pull = environ.get("SEMAPHORE_GIT_REF_TYPE") == "pull-request"
    server, workflow = (
        told(environ, "SEMAPHORE_ORGANIZATION_URL"),
        told(environ, "SEMAPHORE_WORKFLOW_ID"),
    )
    before = environ.get("SEMAPHORE_GIT_COMMIT_RANGE", "").split("...")[0]
    ours, theirs = told(environ, "SEMAPHORE_GIT_REPO_SLUG"), told(environ, "SEMAPHORE_GIT_PR_SLUG")
    return CiJob(
        provider="semaphore",
        title="Semaphore",
        event=_event(environ, ref),
        ref=ref,
        sha=told(environ, "SEMAPHORE_GIT_SHA"),
        head_sha=told(environ, "SEMAPHORE_GIT_PR_SHA"),
        base_sha=before or None,
        # Of a pull request, this is the branch that it goes to.
        base_ref=environ.get("SEMAPHORE_GIT_BRANCH", "") if pull else "",
        fork=differ(ours, theirs) if pull else None,
        repository=told(environ, "SEMAPHORE_GIT_URL", "SEMAPHORE_GIT_REPO_SLUG"),
        run_url=f"{server}/workflows/{workflow}" if server and workflow else None,
        actor=told(environ, "SEMAPHORE_WORKFLOW_TRIGGERED_BY", "SEMAPHORE_GIT_COMMITTER"),
        sha_variable="SEMAPHORE_GIT_SHA",
        ref_variable="SEMAPHORE_GIT_REF",
    )


def _ref(environ: Mapping[str, str]) -> GitRef | None:
    kind = environ.get("SEMAPHORE_GIT_REF_TYPE", "branch")
    if kind == "pull-request":
        return pull_ref(told(environ, "SEMAPHORE_GIT_PR_NUMBER"))
    if kind == "tag":
        return tag_ref(told(environ, "SEMAPHORE_GIT_TAG_NAME"))
    return branch_ref(told(environ, "SEMAPHORE_GIT_BRANCH"))


def _event(environ: Mapping[str, str], ref: GitRef | None) -> Event:
    if environ.get("SEMAPHORE_GIT_REF_TYPE") == "pull-request":
        return "pull_request"
    if flag(environ, "SEMAPHORE_WORKFLOW_TRIGGERED_BY_SCHEDULE"):
        return "schedule"
    by_hand = ("SEMAPHORE_WORKFLOW_TRIGGERED_BY_API", "SEMAPHORE_WORKFLOW_TRIGGERED_BY_MANUAL_RUN")
    return "manual" if any(flag(environ, name) for name in by_hand) else pushed(ref)


PROVIDER = Provider(
    name="semaphore", title="Semaphore", mark=marked("SEMAPHORE", "true"), read=_read
)
