"""GitHub Actions.

Variables: https://docs.github.com/en/actions/reference/workflows-and-actions/variables
Events: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
The event's payload is the file that GITHUB_EVENT_PATH names:
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from keelway.facts.ci.job import CiJob, Provider, marked, parse_ref, pull_ref, pushed, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import Read
    from keelway.tags.occasion import Event, GitRef

_EVENTS: Mapping[str, Event] = {
    "schedule": "schedule",
    "workflow_dispatch": "manual",
    "repository_dispatch": "manual",
}
_PUSHES = frozenset({"push", "create", "release"})
# "Last commit on default branch", says the page of events; `create` counts as docker's action has
# it.
_ON_DEFAULT_BRANCH = ("create", "discussion", "issues", "schedule")


def read_job(environ: Mapping[str, str], read: Read) -> CiJob:
    """Return the job by GitHub's variables, which Gitea and Forgejo set too."""
    payload = _payload(environ, read)
    name = environ.get("GITHUB_EVENT_NAME", "")
    ref = _ref(environ, payload, name)
    pull: Mapping[str, Any] = _table(payload, "pull_request")
    is_pull = name.startswith("pull_request")
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = told(environ, "GITHUB_REPOSITORY")
    run = told(environ, "GITHUB_RUN_ID")
    address = None if repository is None else f"{server}/{repository}"
    return CiJob(
        provider="github",
        title="GitHub Actions",
        event=_event(name, ref),
        ref=ref,
        sha=told(environ, "GITHUB_SHA"),
        head_sha=_text(pull, "head", "sha"),
        base_sha=_text(pull, "base", "sha") or _text(payload, "before"),
        base_ref=_base_ref(environ, payload, ref),
        default_branch=_text(payload, "repository", "default_branch"),
        on_default_branch=any(word in name for word in _ON_DEFAULT_BRANCH),
        fork=_fork(payload, pull) if is_pull else None,
        repository=address,
        run_url=f"{address}/actions/runs/{run}" if address and run else None,
        actor=told(environ, "GITHUB_ACTOR"),
        sha_variable="GITHUB_SHA",
        ref_variable="GITHUB_REF",
    )


def _payload(environ: Mapping[str, str], read: Read) -> Mapping[str, Any]:
    path = told(environ, "GITHUB_EVENT_PATH")
    text = None if path is None else read(path)
    try:
        return _object(json.loads(text or "{}"))
    except ValueError:
        return {}


def _ref(environ: Mapping[str, str], payload: Mapping[str, Any], event: str) -> GitRef | None:
    # This event has the target's branch as its reference, and is about the pull request.
    if event == "pull_request_target":
        number = payload.get("number")
        return None if number is None else pull_ref(str(number))
    return parse_ref(told(environ, "GITHUB_REF"))


def _event(name: str, ref: GitRef | None) -> Event:
    if name.startswith("pull_request"):
        return "pull_request"
    return pushed(ref) if name in _PUSHES else _EVENTS.get(name, "other")


def _base_ref(environ: Mapping[str, str], payload: Mapping[str, Any], ref: GitRef | None) -> str:
    if ref is not None and ref.kind == "tag":
        return (_text(payload, "base_ref") or "").removeprefix("refs/heads/")
    if ref is not None and ref.kind == "pull_request":
        return _text(payload, "pull_request", "base", "ref") or environ.get("GITHUB_BASE_REF", "")
    return ""


def _fork(payload: Mapping[str, Any], pull: Mapping[str, Any]) -> bool | None:
    head = _text(pull, "head", "repo", "full_name")
    base = _text(payload, "repository", "full_name") or _text(pull, "base", "repo", "full_name")
    if base is None or not pull:
        return None
    # A fork that was deleted since has no repository any more.
    return head is None or head.lower() != base.lower()


def _table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _object(value.get(key))


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: Mapping[str, Any], *keys: str) -> str | None:
    """Return a text inside the payload, if there is one."""
    *outer, last = keys
    for key in outer:
        value = _table(value, key)
    found = value.get(last)
    return found if isinstance(found, str) and found else None


PROVIDER = Provider(
    name="github",
    title="GitHub Actions",
    mark=marked("GITHUB_ACTIONS", "true"),
    read=read_job,
)
