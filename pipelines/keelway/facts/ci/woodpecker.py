"""Woodpecker CI.

Variables: https://woodpecker-ci.org/docs/usage/environment
None of them tells whether a pull request comes from a fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
    marked,
    pull_ref,
    pushed,
    tag_ref,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import Read
    from keelway.tags.occasion import Event

_EVENTS: Mapping[str, Event] = {
    "pull_request": "pull_request",
    "pull_request_closed": "pull_request",
    "pull_request_metadata": "pull_request",
    "cron": "schedule",
    "manual": "manual",
    "deployment": "manual",
}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    name = environ.get("CI_PIPELINE_EVENT", "")
    pull, tag = told(environ, "CI_COMMIT_PULL_REQUEST"), told(environ, "CI_COMMIT_TAG")
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(told(environ, "CI_COMMIT_BRANCH"))
    pushes = {"push", "tag", "release", ""}
    return CiJob(
        provider="woodpecker",
        title="Woodpecker CI",
        event=pushed(ref) if name in pushes else _EVENTS.get(name, "other"),
        ref=ref,
        sha=told(environ, "CI_COMMIT_SHA"),
        head_sha=told(environ, "CI_COMMIT_SHA") if pull else None,
        base_sha=told(environ, "CI_PREV_COMMIT_SHA"),
        base_ref=environ.get("CI_COMMIT_TARGET_BRANCH", ""),
        default_branch=told(environ, "CI_REPO_DEFAULT_BRANCH"),
        repository=told(environ, "CI_REPO_URL", "CI_REPO"),
        run_url=told(environ, "CI_PIPELINE_URL"),
        actor=told(environ, "CI_PIPELINE_AUTHOR", "CI_COMMIT_AUTHOR"),
        sha_variable="CI_COMMIT_SHA",
        ref_variable="CI_COMMIT_TAG" if tag else "CI_COMMIT_BRANCH",
    )


PROVIDER = Provider(
    name="woodpecker", title="Woodpecker CI", mark=marked("CI", "woodpecker"), read=_read
)
