"""AWS CodeBuild.

Variables: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
None of them tells whether a pull request comes from a fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
    marked,
    parse_ref,
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
    is_pull = ref is not None and ref.kind == "pull_request"
    base = environ.get("CODEBUILD_WEBHOOK_BASE_REF", "")
    return CiJob(
        provider="codebuild",
        title="AWS CodeBuild",
        event=_event(environ, ref),
        ref=ref,
        sha=told(environ, "CODEBUILD_RESOLVED_SOURCE_VERSION"),
        head_sha=told(environ, "CODEBUILD_RESOLVED_SOURCE_VERSION") if is_pull else None,
        base_sha=told(environ, "CODEBUILD_WEBHOOK_PREV_COMMIT"),
        base_ref=base.removeprefix("refs/heads/") if is_pull else "",
        repository=told(environ, "CODEBUILD_SOURCE_REPO_URL"),
        run_url=told(environ, "CODEBUILD_PUBLIC_BUILD_URL", "CODEBUILD_BUILD_URL"),
        actor=told(environ, "CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID", "CODEBUILD_INITIATOR"),
        sha_variable="CODEBUILD_RESOLVED_SOURCE_VERSION",
        ref_variable="CODEBUILD_WEBHOOK_TRIGGER",
    )


def _ref(environ: Mapping[str, str]) -> GitRef | None:
    trigger = environ.get("CODEBUILD_WEBHOOK_TRIGGER", "")
    version = environ.get("CODEBUILD_SOURCE_VERSION", "")
    for text in (trigger, version):
        kind, slash, name = text.partition("/")
        if slash and kind in _KINDS:
            return _KINDS[kind](name)
    return parse_ref(told(environ, "CODEBUILD_WEBHOOK_HEAD_REF")) or parse_ref(version)


_KINDS = {"branch": branch_ref, "tag": tag_ref, "pr": pull_ref}


def _event(environ: Mapping[str, str], ref: GitRef | None) -> Event:
    name = environ.get("CODEBUILD_WEBHOOK_EVENT", "")
    if name.startswith("PULL_REQUEST") or (ref is not None and ref.kind == "pull_request"):
        return "pull_request"
    if name:
        return pushed(ref)
    return "schedule" if environ.get("CODEBUILD_INITIATOR", "").startswith("rule/") else "manual"


PROVIDER = Provider(
    name="codebuild", title="AWS CodeBuild", mark=marked("CODEBUILD_BUILD_ID"), read=_read
)
