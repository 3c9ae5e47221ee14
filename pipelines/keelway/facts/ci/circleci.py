"""CircleCI.

Variables: https://circleci.com/docs/reference/variables/#built-in-environment-variables
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
    pull, tag = _pull_request(environ), told(environ, "CIRCLE_TAG")
    branch = told(environ, "CIRCLE_BRANCH")
    ref = tag_ref(tag) or pull_ref(pull) or branch_ref(branch)
    is_pull = ref is not None and ref.kind == "pull_request"
    return CiJob(
        provider="circleci",
        title="CircleCI",
        event="pull_request" if is_pull else pushed(ref),
        ref=ref,
        sha=told(environ, "CIRCLE_SHA1"),
        head_sha=told(environ, "CIRCLE_SHA1") if is_pull else None,
        fork=_fork(environ, pull) if is_pull else None,
        repository=told(environ, "CIRCLE_REPOSITORY_URL"),
        run_url=told(environ, "CIRCLE_BUILD_URL"),
        actor=told(environ, "CIRCLE_USERNAME"),
        sha_variable="CIRCLE_SHA1",
        ref_variable="CIRCLE_TAG" if tag else "CIRCLE_BRANCH",
    )


def _pull_request(environ: Mapping[str, str]) -> str | None:
    """Return the number; CIRCLE_PR_NUMBER is only set for forks, the address for all."""
    number = told(environ, "CIRCLE_PR_NUMBER")
    address = told(environ, "CIRCLE_PULL_REQUEST")
    branch = environ.get("CIRCLE_BRANCH", "")
    if number is None and address is not None:
        number = address.rstrip("/").rpartition("/")[2]
    if number is None and branch.startswith("pull/"):
        number = branch.split("/")[1]
    return number if number and number.isdigit() else None


def _fork(environ: Mapping[str, str], pull: str | None) -> bool | None:
    if environ.get("CIRCLE_PR_REPONAME") or environ.get("CIRCLE_PR_USERNAME"):
        return True
    # The branch of a fork's pull request is the number; of others it is a real branch.
    if environ.get("CIRCLE_BRANCH", "").startswith("pull/"):
        return True
    return False if pull is not None and environ.get("CIRCLE_BRANCH") else None


PROVIDER = Provider(name="circleci", title="CircleCI", mark=marked("CIRCLECI", "true"), read=_read)
