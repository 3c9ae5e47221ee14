"""Buildkite.

Variables: https://buildkite.com/docs/pipelines/configure/environment-variables
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
    from keelway.tags.occasion import Event

_SOURCES: Mapping[str, Event] = {"schedule": "schedule", "ui": "manual", "api": "manual"}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    pull = told(environ, "BUILDKITE_PULL_REQUEST")
    pull = None if pull == "false" else pull
    tag = told(environ, "BUILDKITE_TAG")
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(told(environ, "BUILDKITE_BRANCH"))
    commit = told(environ, "BUILDKITE_COMMIT")
    event = _SOURCES.get(environ.get("BUILDKITE_SOURCE", ""), pushed(ref))
    ours, theirs = told(environ, "BUILDKITE_REPO"), told(environ, "BUILDKITE_PULL_REQUEST_REPO")
    return CiJob(
        provider="buildkite",
        title="Buildkite",
        event="pull_request" if pull else event,
        ref=ref,
        # A build that is started by hand may say HEAD.
        sha=None if commit == "HEAD" else commit,
        head_sha=commit if pull and commit != "HEAD" else None,
        base_ref=environ.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH", ""),
        default_branch=told(environ, "BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
        fork=differ(ours, theirs) if pull else None,
        repository=ours,
        run_url=told(environ, "BUILDKITE_BUILD_URL"),
        actor=told(environ, "BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_AUTHOR"),
        sha_variable="BUILDKITE_COMMIT",
        ref_variable="BUILDKITE_TAG" if tag else "BUILDKITE_BRANCH",
    )


PROVIDER = Provider(
    name="buildkite", title="Buildkite", mark=marked("BUILDKITE", "true"), read=_read
)
