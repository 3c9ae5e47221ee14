"""Bitbucket Pipelines.

Variables: https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
Which pull requests start one, and none from forks:
https://support.atlassian.com/bitbucket-cloud/docs/pipeline-start-conditions/
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


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    pull, tag = told(environ, "BITBUCKET_PR_ID"), told(environ, "BITBUCKET_TAG")
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(told(environ, "BITBUCKET_BRANCH"))
    origin = told(environ, "BITBUCKET_GIT_HTTP_ORIGIN")
    number = told(environ, "BITBUCKET_BUILD_NUMBER")
    return CiJob(
        provider="bitbucket",
        title="Bitbucket Pipelines",
        event="pull_request" if pull else pushed(ref),
        ref=ref,
        sha=told(environ, "BITBUCKET_COMMIT"),
        head_sha=told(environ, "BITBUCKET_COMMIT") if pull else None,
        base_sha=told(environ, "BITBUCKET_PR_DESTINATION_COMMIT"),
        base_ref=environ.get("BITBUCKET_PR_DESTINATION_BRANCH", ""),
        # Pull requests from forks do not start a pipeline of the repository.
        fork=False if pull else None,
        repository=origin,
        run_url=f"{origin}/pipelines/results/{number}" if origin and number else None,
        actor=told(environ, "BITBUCKET_STEP_TRIGGERER_UUID"),
        sha_variable="BITBUCKET_COMMIT",
        ref_variable="BITBUCKET_TAG" if tag else "BITBUCKET_BRANCH",
    )


PROVIDER = Provider(
    name="bitbucket",
    title="Bitbucket Pipelines",
    mark=marked("BITBUCKET_BUILD_NUMBER"),
    read=_read,
)
