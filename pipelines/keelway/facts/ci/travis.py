"""Travis CI.

Variables: https://docs.travis-ci.com/user/environment-variables/#default-environment-variables
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

_EVENTS: Mapping[str, Event] = {
    "pull_request": "pull_request",
    "cron": "schedule",
    "api": "manual",
}


def _read(environ: Mapping[str, str], _: Read) -> CiJob:
    pull = told(environ, "TRAVIS_PULL_REQUEST")
    pull = None if pull == "false" else pull
    branch, tag = told(environ, "TRAVIS_BRANCH"), told(environ, "TRAVIS_TAG")
    ref = pull_ref(pull) or tag_ref(tag) or branch_ref(branch)
    event = _EVENTS.get(environ.get("TRAVIS_EVENT_TYPE", ""), pushed(ref))
    slug = told(environ, "TRAVIS_REPO_SLUG")
    return CiJob(
        provider="travis",
        title="Travis CI",
        event="pull_request" if pull else event,
        ref=ref,
        sha=told(environ, "TRAVIS_COMMIT"),
        head_sha=told(environ, "TRAVIS_PULL_REQUEST_SHA"),
        base_sha=(environ.get("TRAVIS_COMMIT_RANGE", "").split("...")[0] or None),
        # Of a pull request, this is the branch that it goes to.
        base_ref=branch or "" if pull else "",
        fork=differ(told(environ, "TRAVIS_PULL_REQUEST_SLUG"), slug) if pull else None,
        repository=slug,
        run_url=told(environ, "TRAVIS_BUILD_WEB_URL"),
        sha_variable="TRAVIS_COMMIT",
        ref_variable="TRAVIS_TAG" if tag else "TRAVIS_BRANCH",
    )


PROVIDER = Provider(name="travis", title="Travis CI", mark=marked("TRAVIS", "true"), read=_read)
