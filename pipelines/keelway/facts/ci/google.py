"""Google Cloud Build.

Substitutions: https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
They are environment variables of a step with `automapSubstitutions: true` in its options, or where
its `env` says so. `_PR_NUMBER`, `_BASE_BRANCH` and `_HEAD_REPO_URL` are those of GitHub's triggers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
    differ,
    pull_ref,
    pushed,
    tag_ref,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import Read

_BUILD = ("PROJECT_ID", "BUILD_ID", "PROJECT_NUMBER")


def _mark(environ: Mapping[str, str]) -> str | None:
    return "PROJECT_NUMBER" if all(environ.get(name) for name in _BUILD) else None


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    pull, tag = told(environ, "_PR_NUMBER"), told(environ, "TAG_NAME")
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(told(environ, "BRANCH_NAME"))
    ours, theirs = (
        told(environ, "_BASE_REPO_URL", "REPO_FULL_NAME"),
        told(environ, "_HEAD_REPO_URL"),
    )
    by_hand = pushed(ref) if environ.get("TRIGGER_NAME") else "manual"
    return CiJob(
        provider="google",
        title="Google Cloud Build",
        event="pull_request" if pull else by_hand,
        ref=ref,
        sha=told(environ, "COMMIT_SHA", "REVISION_ID"),
        head_sha=told(environ, "COMMIT_SHA") if pull else None,
        base_ref=environ.get("_BASE_BRANCH", ""),
        fork=_fork(ours, theirs) if pull else None,
        repository=told(environ, "REPO_FULL_NAME", "REPO_NAME"),
        run_url=_run_url(environ),
        actor=told(environ, "SERVICE_ACCOUNT_EMAIL"),
        sha_variable="COMMIT_SHA",
        ref_variable="TAG_NAME" if tag else "BRANCH_NAME",
    )


def _fork(ours: str | None, theirs: str | None) -> bool | None:
    """Return whether they differ; one of them may be a name only, and the other an address."""
    if ours is None or theirs is None:
        return None
    if "://" in ours or "://" not in theirs:
        return differ(ours, theirs)
    return not theirs.lower().removesuffix(".git").endswith(f"/{ours.lower()}")


def _run_url(environ: Mapping[str, str]) -> str | None:
    project, build = told(environ, "PROJECT_ID"), told(environ, "BUILD_ID")
    place = told(environ, "LOCATION")
    if project is None or build is None:
        return None
    region = f";region={place}" if place and place != "global" else ""
    return f"https://console.cloud.google.com/cloud-build/builds{region}/{build}?project={project}"


PROVIDER = Provider(name="google", title="Google Cloud Build", mark=_mark, read=_read)
