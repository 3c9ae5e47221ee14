"""What a commit says: a line for people, and trailers from which the history is read again.

Example:
    >>> fill("Deploy {version}", {"version": "1.2"})
    'Deploy 1.2'
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keelway.gitops.spec import GitOpsSpec
    from keelway.model.target_release import TargetRelease

_WORD = re.compile(r"\{(\w+)\}")
_TRAILER = re.compile(r"^Keelway-(?P<key>[A-Za-z]+): (?P<value>.+)$", re.MULTILINE)
_NOT_IN_BRANCHES = re.compile(r"[^A-Za-z0-9._+-]+|\.{2,}|\.lock$")
TARGET_TRAILER = "Keelway-Target"


def fill(template: str, words: Mapping[str, str]) -> str:
    """Return a template with its words replaced; the configuration knows which there are."""
    return _WORD.sub(lambda found: words.get(found[1], found[0]), template)


def words_of(spec: GitOpsSpec, release: TargetRelease, replaced: str | None) -> dict[str, str]:
    """Return what templates may name."""
    return {
        "project": spec.project,
        "environment": spec.environment,
        "target": spec.target,
        "version": release.version,
        "images": ", ".join(release.images),
        "replaced": replaced or "nothing known",
        "who": release.actor.who,
    }


def branch_of(spec: GitOpsSpec, release: TargetRelease) -> str:
    """Return the branch of its own that a release gets."""
    words = words_of(spec, release, None)
    names = {key: _NOT_IN_BRANCHES.sub("-", value).strip(".-") for key, value in words.items()}
    return fill(spec.branch_name, names)


def title_of(spec: GitOpsSpec, release: TargetRelease, replaced: str | None) -> str:
    """Return what a commit says to people."""
    said = fill(spec.message, words_of(spec, release, replaced)).strip()
    return said if release.event is DeliveryEvent.DEPLOY else f"Roll back: {said}"


def message_of(spec: GitOpsSpec, release: TargetRelease, replaced: str | None) -> str:
    """Return the whole message of a commit."""
    actor = release.actor
    trailers = [
        ("Target", spec.target),
        ("Project", spec.project),
        ("Environment", spec.environment),
        ("Event", release.event.value),
        ("Version", release.version),
        *(("Image", f"{name}={reference}") for name, reference in release.images.items()),
        ("Replaced", replaced),
        ("Actor", actor.who),
        ("Where", actor.where),
        ("Run", actor.run_url),
        *(("Evidence", line) for line in release.evidence),
        ("Reason", release.reason),
    ]
    lines = [f"Keelway-{key}: {' '.join(value.split())}" for key, value in trailers if value]
    return f"{title_of(spec, release, replaced)}\n\n" + "\n".join(lines) + "\n"


def entry_of(message: str, at: datetime) -> HistoryEntry | None:
    """Return the event that a commit's message tells; nothing for one of somebody else's.

    Args:
        message: The whole message.
        at: When it was committed.
    """
    found: dict[str, list[str]] = {}
    for trailer in _TRAILER.finditer(message):
        found.setdefault(trailer["key"], []).append(trailer["value"].strip())
    one = {key: values[-1] for key, values in found.items()}
    events = {event.value: event for event in DeliveryEvent}
    if "Version" not in one or "Target" not in one or one.get("Event") not in events:
        return None
    return HistoryEntry(
        at=at,
        event=events[one["Event"]],
        outcome=DeliveryOutcome.SUCCEEDED,
        project=one.get("Project", ""),
        environment=one.get("Environment", one["Target"]),
        target=one["Target"],
        version=one["Version"],
        images={
            name: reference
            for name, _, reference in (text.partition("=") for text in found.get("Image", ()))
        },
        evidence=tuple(found.get("Evidence", ())),
        actor=Actor(
            who=one.get("Actor", "unknown"),
            where=one.get("Where", "unknown"),
            run_url=one.get("Run"),
        ),
        replaced=one.get("Replaced"),
        reason=one.get("Reason"),
    )
