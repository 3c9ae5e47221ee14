"""One deployment at a time: each workload is told when one begins, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway._tools.kubectl import CHANGE_CAUSE, annotate_words
from keelway.kubernetes.annotations import (
    HISTORY,
    entries_of,
    is_under_way,
    shortened,
    with_entry,
)
from keelway.kubernetes.kubectl import ASKING_S
from keelway.kubernetes.spec import KubernetesError
from keelway.kubernetes.workloads import read_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.kubernetes.kubectl import Kubectl
    from keelway.kubernetes.spec import KubernetesSpec
    from keelway.kubernetes.workloads import Change
    from keelway.model.history import HistoryEntry

_TRIES = 5


async def claim(
    kubectl: Kubectl, spec: KubernetesSpec, changes: Sequence[Change], started: HistoryEntry
) -> tuple[Change, ...]:
    """Write down at each workload that it begins: whoever else tries now is told so.

    Raises:
        KubernetesError: Somebody else is at it, or the cluster refuses; nothing is written down.
    """
    claimed: list[Change] = []
    for change in changes:
        name, state = change.name, change.before
        for tried in range(1, _TRIES + 1):
            entries = entries_of(state.annotations)
            other = is_under_way(entries, started.at, 2 * spec.timeout_s + ASKING_S)
            if other is not None:
                await remember(kubectl, claimed, None)
                raise KubernetesError(
                    f"{other.actor.who} deploys {other.version} to {name} right now",
                    why=f"since {other.at:%H:%M:%S} UTC, from {_place(other)}",
                    next_step="wait for it; one that was killed counts no more after a while",
                )
            annotations = {HISTORY: with_entry(entries, started), CHANGE_CAUSE: _cause(started)}
            answer = await kubectl.ask(*annotate_words(name, annotations, state.resource_version))
            if not answer.code:
                claimed.append(replace(change, before=state))
                break
            if tried == _TRIES or "modified" not in answer.complaint:
                await remember(kubectl, claimed, None)
                raise KubernetesError(f"annotating {name} failed", why=answer.complaint)
            state = await read_state(kubectl, name)
    return tuple(claimed)


def _cause(entry: HistoryEntry) -> str:
    return f"keelway: {entry.event} {entry.version} by {entry.actor.who}"


def _place(entry: HistoryEntry) -> str:
    return entry.actor.run_url or entry.actor.where


async def remember(kubectl: Kubectl, changes: Sequence[Change], entry: HistoryEntry | None) -> None:
    """Write the end down at each workload; without an entry, take the beginning away again."""
    for change in changes:
        before = entries_of(change.before.annotations)
        text = (
            change.before.annotations.get(HISTORY, "")
            if entry is None
            else with_entry(before, replace(entry, reason=shortened(entry.reason)))
        )
        await kubectl.ask(*annotate_words(change.name, {HISTORY: text}))
