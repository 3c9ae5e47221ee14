"""AppVeyor.

Variables: https://www.appveyor.com/docs/environment-variables/
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
    pull, branch = (
        told(environ, "APPVEYOR_PULL_REQUEST_NUMBER"),
        told(environ, "APPVEYOR_REPO_BRANCH"),
    )
    tagged = flag(environ, "APPVEYOR_REPO_TAG")
    tag = told(environ, "APPVEYOR_REPO_TAG_NAME") if tagged else None
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(branch)
    theirs = told(environ, "APPVEYOR_PULL_REQUEST_HEAD_REPO_NAME")
    name = told(environ, "APPVEYOR_REPO_NAME")
    return CiJob(
        provider="appveyor",
        title="AppVeyor",
        event=_event(environ, ref),
        ref=ref,
        sha=told(environ, "APPVEYOR_REPO_COMMIT"),
        head_sha=told(environ, "APPVEYOR_PULL_REQUEST_HEAD_COMMIT"),
        # Of a pull request, this is the branch that it goes to.
        base_ref=branch or "" if pull else "",
        fork=differ(theirs, name) if pull else None,
        repository=name,
        run_url=_run_url(environ),
        actor=told(environ, "APPVEYOR_REPO_COMMIT_AUTHOR"),
        sha_variable="APPVEYOR_REPO_COMMIT",
        ref_variable="APPVEYOR_REPO_TAG_NAME" if tag else "APPVEYOR_REPO_BRANCH",
    )


def _event(environ: Mapping[str, str], ref: GitRef | None) -> Event:
    if environ.get("APPVEYOR_PULL_REQUEST_NUMBER"):
        return "pull_request"
    if flag(environ, "APPVEYOR_SCHEDULED_BUILD"):
        return "schedule"
    return "manual" if flag(environ, "APPVEYOR_FORCED_BUILD") else pushed(ref)


def _run_url(environ: Mapping[str, str]) -> str | None:
    names = ("ACCOUNT_NAME", "PROJECT_SLUG", "BUILD_ID")
    account, project, build = (told(environ, f"APPVEYOR_{name}") for name in names)
    if account is None or project is None or build is None:
        return None
    server = environ.get("APPVEYOR_URL", "https://ci.appveyor.com").rstrip("/")
    return f"{server}/project/{account}/{project}/builds/{build}"


PROVIDER = Provider(name="appveyor", title="AppVeyor", mark=marked("APPVEYOR", "true"), read=_read)
