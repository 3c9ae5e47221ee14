"""GitHub: deployments with their statuses, and statuses of commits, by the REST API.

https://docs.github.com/rest/deployments and https://docs.github.com/rest/commits/statuses; a
description has at most 140 characters, and an environment 255.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from keelway.model.history import DeliveryEvent, DeliveryOutcome
from keelway.notify.request import Request, json_request
from keelway.notify.texts import fitting, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.model.history import HistoryEntry
    from keelway.notify.spec import GitHub
    from keelway.notify.wording import Message

API_VERSION = "2022-11-28"
_DESCRIPTION, _ENVIRONMENT = 140, 255
_DEPLOYMENT_STATES: Mapping[DeliveryOutcome, str] = {
    DeliveryOutcome.STARTED: "in_progress",
    DeliveryOutcome.SUCCEEDED: "success",
    DeliveryOutcome.FAILED: "failure",
    DeliveryOutcome.ROLLED_BACK: "failure",
    DeliveryOutcome.INCONCLUSIVE: "error",
}
_COMMIT_STATES: Mapping[DeliveryOutcome, str] = {
    DeliveryOutcome.STARTED: "pending",
    DeliveryOutcome.SUCCEEDED: "success",
    DeliveryOutcome.FAILED: "failure",
    DeliveryOutcome.ROLLED_BACK: "failure",
    DeliveryOutcome.INCONCLUSIVE: "error",
}
UNFINISHED = frozenset({"in_progress", "queued", "pending"})
"""States of a deployment that is still to get its last status."""


def github_headers(token: str) -> dict[str, str]:
    """Return what every request to GitHub has."""
    return {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": API_VERSION,
    }


def status_request(where: GitHub, entry: HistoryEntry, message: Message) -> Request:
    """Return the request that gives the commit a status."""
    label = "/".join(part for part in (where.label, str(entry.event), entry.environment) if part)
    return json_request(
        {
            "state": _COMMIT_STATES[entry.outcome],
            "context": fitting(one_line(label), _ENVIRONMENT),
            "description": _described(message),
            **({"target_url": message.link} if message.link else {}),
        },
        path=f"/repos/{where.repository}/statuses/{where.sha}",
    )


def deployments_request(where: GitHub, entry: HistoryEntry) -> Request:
    """Return the request for the deployments of this commit to this environment, newest first."""
    asked = {"sha": where.sha, "environment": _environment(entry), "task": _task(entry)}
    return Request(method="GET", path=f"/repos/{where.repository}/deployments?{urlencode(asked)}")


def deployment_request(where: GitHub, entry: HistoryEntry, message: Message) -> Request:
    """Return the request that makes a deployment; nothing is merged and no check waited for."""
    return json_request(
        {
            "ref": where.sha,
            "task": _task(entry),
            "environment": _environment(entry),
            "description": _described(message),
            "auto_merge": False,
            "required_contexts": [],
            "payload": {
                "keelway": {
                    "project": entry.project,
                    "version": entry.version,
                    "target": entry.target,
                    "images": dict(entry.images),
                }
            },
        },
        path=f"/repos/{where.repository}/deployments",
    )


def last_status_request(where: GitHub, deployment: int) -> Request:
    """Return the request for a deployment's newest status."""
    path = f"/repos/{where.repository}/deployments/{deployment}/statuses?per_page=1"
    return Request(method="GET", path=path)


def deployment_status_request(
    where: GitHub, deployment: int, entry: HistoryEntry, message: Message
) -> Request:
    """Return the request that gives a deployment a status."""
    return json_request(
        {
            "state": _DEPLOYMENT_STATES[entry.outcome],
            "environment": _environment(entry),
            "description": _described(message),
            **({"log_url": message.link} if message.link else {}),
            **({"environment_url": where.environment_url} if where.environment_url else {}),
        },
        path=f"/repos/{where.repository}/deployments/{deployment}/statuses",
    )


def parse_deployments(data: bytes, version: str) -> tuple[int, ...]:
    """Return the ids of keelway's deployments of a version, newest first.

    Raises:
        ValueError: It is not what GitHub answers.
    """
    found = [one for one in _objects(data) if _version_of(one.get("payload")) == version]
    return tuple(int(one["id"]) for one in found)


def parse_id(data: bytes) -> int:
    """Return the id of what was made.

    Raises:
        ValueError: GitHub made nothing.
    """
    document: object = json.loads(data)
    known = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    if isinstance(known.get("id"), int):
        return int(known["id"])
    raise ValueError("GitHub answered without an id")


def parse_state(data: bytes) -> str | None:
    """Return the state of the first status; nothing when there is none.

    Raises:
        ValueError: It is not what GitHub answers.
    """
    return next((str(one.get("state")) for one in _objects(data)), None)


def _objects(data: bytes) -> Sequence[dict[str, Any]]:
    document: object = json.loads(data)
    if not isinstance(document, list):
        raise ValueError("GitHub answered with no list")  # noqa: TRY004 - of what was answered
    found = cast("list[object]", document)
    return [cast("dict[str, Any]", one) for one in found if isinstance(one, dict)]


def _version_of(payload: object) -> object:
    """Return the version in a payload, which GitHub gives back as an object or as its text."""
    try:
        known: object = json.loads(payload) if isinstance(payload, str) else payload
    except ValueError:
        return None
    own = cast("dict[str, Any]", known).get("keelway") if isinstance(known, dict) else None
    return cast("dict[str, Any]", own).get("version") if isinstance(own, dict) else None


def _described(message: Message) -> str:
    own = message.own_text(str)
    return fitting(one_line(message.headline if own is None else own), _DESCRIPTION)


def _environment(entry: HistoryEntry) -> str:
    return fitting(one_line(entry.environment or entry.target or "production"), _ENVIRONMENT)


def _task(entry: HistoryEntry) -> str:
    return "rollback" if entry.event is DeliveryEvent.ROLLBACK else "deploy"
