"""GitLab CI/CD.

Variables: https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
    differ,
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

_EVENTS: Mapping[str, Event] = {
    "merge_request_event": "pull_request",
    "external_pull_request_event": "pull_request",
    "schedule": "schedule",
    "web": "manual",
    "api": "manual",
    "trigger": "manual",
    "chat": "manual",
    "webide": "manual",
}
_NO_COMMIT = "0" * 40


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    source = environ.get("CI_PIPELINE_SOURCE", "")
    ref = _ref(environ)
    pushes = {"push", "parent_pipeline", "pipeline", ""}
    event = pushed(ref) if source in pushes else _EVENTS.get(source, "other")
    before = told(environ, "CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA")
    return CiJob(
        provider="gitlab",
        title="GitLab CI/CD",
        event="pull_request" if ref is not None and ref.kind == "pull_request" else event,
        ref=ref,
        sha=told(environ, "CI_COMMIT_SHA"),
        head_sha=told(
            environ,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA",
        ),
        base_sha=None if before == _NO_COMMIT else before,
        base_ref=told(
            environ,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
            "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME",
        )
        or "",
        default_branch=told(environ, "CI_DEFAULT_BRANCH"),
        fork=_fork(environ),
        repository=told(environ, "CI_PROJECT_URL"),
        run_url=told(environ, "CI_PIPELINE_URL", "CI_JOB_URL"),
        actor=told(environ, "GITLAB_USER_LOGIN"),
        sha_variable="CI_COMMIT_SHA",
        ref_variable="CI_COMMIT_TAG" if environ.get("CI_COMMIT_TAG") else "CI_COMMIT_REF_NAME",
    )


def _ref(environ: Mapping[str, str]) -> GitRef | None:
    merge = told(environ, "CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID")
    tag, branch = told(environ, "CI_COMMIT_TAG"), told(environ, "CI_COMMIT_BRANCH")
    return pull_ref(merge) or tag_ref(tag) or branch_ref(branch)


def _fork(environ: Mapping[str, str]) -> bool | None:
    ours = told(environ, "CI_MERGE_REQUEST_PROJECT_ID")
    theirs = told(environ, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    if ours or theirs:
        return differ(ours, theirs)
    return differ(
        told(environ, "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY"),
        told(environ, "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY"),
    )


PROVIDER = Provider(
    name="gitlab", title="GitLab CI/CD", mark=marked("GITLAB_CI", "true"), read=_read
)
