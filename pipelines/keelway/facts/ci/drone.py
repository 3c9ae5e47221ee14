"""Drone.

Variables: https://docs.drone.io/pipeline/environment/reference/
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
    "cron": "schedule",
    "custom": "manual",
    "promote": "manual",
    "rollback": "manual",
}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    name = environ.get("DRONE_BUILD_EVENT", "")
    tag = told(environ, "DRONE_TAG")
    pull = told(environ, "DRONE_PULL_REQUEST") if name == "pull_request" else None
    branch = told(environ, "DRONE_COMMIT_BRANCH", "DRONE_BRANCH")
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(branch)
    return CiJob(
        provider="drone",
        title="Drone",
        event=pushed(ref) if name in {"push", "tag", ""} else _EVENTS.get(name, "other"),
        ref=ref,
        sha=told(environ, "DRONE_COMMIT_SHA", "DRONE_COMMIT"),
        head_sha=told(environ, "DRONE_COMMIT_AFTER") if pull else None,
        base_sha=told(environ, "DRONE_COMMIT_BEFORE"),
        base_ref=environ.get("DRONE_TARGET_BRANCH", "") if pull else "",
        default_branch=told(environ, "DRONE_REPO_BRANCH"),
        repository=told(environ, "DRONE_REPO_LINK", "DRONE_REPO"),
        run_url=told(environ, "DRONE_BUILD_LINK"),
        actor=told(environ, "DRONE_BUILD_TRIGGER", "DRONE_COMMIT_AUTHOR"),
        sha_variable="DRONE_COMMIT_SHA",
        ref_variable="DRONE_TAG" if tag else "DRONE_COMMIT_BRANCH",
    )


PROVIDER = Provider(name="drone", title="Drone", mark=marked("DRONE", "true"), read=_read)
