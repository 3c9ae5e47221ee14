"""Jenkins, with the git plug-in, and with multibranch projects.

Variables: https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables, and
the page `/env-vars.html` of each Jenkins, where the branch API's plug-in describes `CHANGE_*`.
Who or what started a build is told where the plug-in build-user-vars or envinject is installed:
https://plugins.jenkins.io/build-user-vars-plugin/, https://plugins.jenkins.io/envinject/
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

_CAUSES: Mapping[str, Event] = {
    "TIMERTRIGGER": "schedule",
    "USERIDCAUSE": "manual",
    "MANUALTRIGGER": "manual",
}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    ref = _ref(environ)
    primary = flag(environ, "BRANCH_IS_PRIMARY")
    branch = ref.name if ref is not None and ref.kind == "branch" else None
    return CiJob(
        provider="jenkins",
        title="Jenkins",
        event=_event(environ, ref),
        ref=ref,
        sha=told(environ, "GIT_COMMIT"),
        base_sha=told(environ, "GIT_PREVIOUS_COMMIT"),
        base_ref=environ.get("CHANGE_TARGET", ""),
        default_branch=branch if primary else None,
        fork=_fork(environ),
        repository=told(environ, "GIT_URL", "GIT_URL_1"),
        run_url=told(environ, "BUILD_URL"),
        actor=told(environ, "BUILD_USER_ID", "CHANGE_AUTHOR"),
        sha_variable="GIT_COMMIT",
        ref_variable="TAG_NAME" if environ.get("TAG_NAME") else "BRANCH_NAME",
    )


def _ref(environ: Mapping[str, str]) -> GitRef | None:
    branch = told(environ, "BRANCH_NAME", "GIT_LOCAL_BRANCH")
    if branch is None:
        # The git plug-in names the remote's branch, as in origin/main.
        remote = told(environ, "GIT_BRANCH") or ""
        branch = remote.removeprefix("origin/") or None
    if branch == "detached":
        branch = None
    change, tag = told(environ, "CHANGE_ID"), told(environ, "TAG_NAME")
    return pull_ref(change) or tag_ref(tag) or branch_ref(branch)


def _event(environ: Mapping[str, str], ref: GitRef | None) -> Event:
    if environ.get("CHANGE_ID"):
        return "pull_request"
    causes = environ.get("BUILD_CAUSE", "").split(",")
    for cause in causes:
        if cause in _CAUSES:
            return _CAUSES[cause]
    return pushed(ref)


def _fork(environ: Mapping[str, str]) -> bool | None:
    """Return whether a change comes from a fork.

    CHANGE_FORK is only set for one, and only by branch sources that tell the origin at all: those
    that do set CHANGE_BRANCH as well.
    """
    if environ.get("CHANGE_FORK"):
        return True
    return False if environ.get("CHANGE_BRANCH") else None


PROVIDER = Provider(name="jenkins", title="Jenkins", mark=marked("JENKINS_URL"), read=_read)
