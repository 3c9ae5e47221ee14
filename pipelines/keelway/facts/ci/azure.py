"""Azure Pipelines.

Variables: https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.facts.ci.job import CiJob, Provider, flag, marked, parse_ref, pushed, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import Read
    from keelway.tags.occasion import Event

_REASONS: Mapping[str, Event] = {
    "Manual": "manual",
    "Schedule": "schedule",
    "PullRequest": "pull_request",
}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    ref = parse_ref(told(environ, "BUILD_SOURCEBRANCH"))
    reason = environ.get("BUILD_REASON", "")
    event = _REASONS.get(reason, "other")
    pushes = {"IndividualCI", "BatchedCI"}
    target = environ.get("SYSTEM_PULLREQUEST_TARGETBRANCH", "")
    return CiJob(
        provider="azure",
        title="Azure Pipelines",
        event=pushed(ref) if reason in pushes else event,
        ref=ref,
        sha=told(environ, "BUILD_SOURCEVERSION"),
        head_sha=told(environ, "SYSTEM_PULLREQUEST_SOURCECOMMITID"),
        base_ref=target.removeprefix("refs/heads/"),
        fork=flag(environ, "SYSTEM_PULLREQUEST_ISFORK"),
        repository=told(environ, "BUILD_REPOSITORY_URI"),
        run_url=_run_url(environ),
        actor=told(environ, "BUILD_REQUESTEDFOR"),
        sha_variable="BUILD_SOURCEVERSION",
        ref_variable="BUILD_SOURCEBRANCH",
    )


def _run_url(environ: Mapping[str, str]) -> str | None:
    server, project = told(environ, "SYSTEM_COLLECTIONURI"), told(environ, "SYSTEM_TEAMPROJECT")
    build = told(environ, "BUILD_BUILDID")
    if server is None or project is None or build is None:
        return None
    return f"{server.rstrip('/')}/{project}/_build/results?buildId={build}"


PROVIDER = Provider(
    name="azure", title="Azure Pipelines", mark=marked("TF_BUILD", "true"), read=_read
)
