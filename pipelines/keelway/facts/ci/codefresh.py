"""Codefresh.

Variables: https://codefresh.io/docs/docs/pipelines/variables/#system-variables
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
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

_TRIGGERS: Mapping[str, Event] = {"build": "manual", "cron": "schedule"}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    ref = _ref(environ)
    pull = told(environ, "CF_PULL_REQUEST_NUMBER")
    owner, name = told(environ, "CF_REPO_OWNER"), told(environ, "CF_REPO_NAME")
    event = _TRIGGERS.get(environ.get("CF_BUILD_TRIGGER", "").lower(), pushed(ref))
    return CiJob(
        provider="codefresh",
        title="Codefresh",
        event="pull_request" if pull else event,
        ref=ref,
        sha=told(environ, "CF_REVISION"),
        head_sha=told(environ, "CF_PULL_REQUEST_HEAD_SHA", "CF_REVISION") if pull else None,
        base_ref=environ.get("CF_PULL_REQUEST_TARGET", "") if pull else "",
        fork=flag(environ, "CF_PULL_REQUEST_IS_FORK") if pull else None,
        repository=f"{owner}/{name}" if owner and name else None,
        run_url=told(environ, "CF_BUILD_URL"),
        actor=told(environ, "CF_BUILD_INITIATOR"),
        sha_variable="CF_REVISION",
        ref_variable="CF_BRANCH",
    )


def _ref(environ: Mapping[str, str]) -> GitRef | None:
    pull, release = told(environ, "CF_PULL_REQUEST_NUMBER"), told(environ, "CF_RELEASE_TAG")
    branch = told(environ, "CF_BRANCH")
    # CF_BRANCH is a tag's name too; CF_BASE_BRANCH is only told for one.
    tag = release or (branch if environ.get("CF_BASE_BRANCH") and not pull else None)
    return pull_ref(pull) or tag_ref(tag) or branch_ref(branch)


PROVIDER = Provider(name="codefresh", title="Codefresh", mark=marked("CF_BUILD_ID"), read=_read)
