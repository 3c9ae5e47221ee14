"""What kubectl's JSON says of workloads and pods, and what workloads remember."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keelway._tools.kubectl import parse_events, parse_pods, parse_workload
from keelway.kubernetes.annotations import HISTORY, entries_of, is_under_way, merged, with_entry
from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENTRY = HistoryEntry(
    at=NOW,
    event=DeliveryEvent.DEPLOY,
    outcome=DeliveryOutcome.STARTED,
    project="shop",
    environment="production",
    version="1",
    images={},
    actor=Actor(who="kim", where="ci"),
    run="1",
)


def pod(name: str, image: str, *statuses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "image": image}]},
        "status": {"containerStatuses": list(statuses), **more},
    }


def said(*pods: dict[str, Any]) -> list[str]:
    found = parse_pods(json.dumps({"items": list(pods)}), {"app": "new"})
    return [f"{one.pod} {one.container}: {one.text}" for one in found]


def test_only_pods_of_the_new_version_that_are_not_ready_are_told() -> None:
    ready = {"name": "app", "ready": True, "state": {"running": {}}}
    pulling = {"reason": "ImagePullBackOff", "message": "not found"}
    waiting = {"name": "app", "ready": False, "state": {"waiting": pulling}}
    assert said(pod("a", "old", waiting), pod("b", "new", ready), pod("c", "new", waiting)) == [
        "c app: ImagePullBackOff: not found"
    ]


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"state": {"running": {}}}, "it runs, but it is not ready"),
        (
            {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            "OOMKilled, it ended with exit code 137",
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1}},
            },
            "CrashLoopBackOff, it ended with exit code 1",
        ),
    ],
)
def test_what_a_container_does_instead_of_being_ready(state: dict[str, Any], text: str) -> None:
    assert said(pod("a", "new", {"name": "app", "ready": False, **state})) == [f"a app: {text}"]


def test_a_pod_that_has_no_place_is_told_by_its_condition() -> None:
    unplaced = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    assert said(pod("a", "new", conditions=[unplaced])) == [
        "a None: PodScheduled: 0/3 nodes are available"
    ]


def test_a_workload_has_the_images_of_init_containers_too() -> None:
    found = parse_workload(
        "deployment/x",
        json.dumps(
            {
                "metadata": {"resourceVersion": "7", "annotations": {"a": "b"}},
                "spec": {
                    "selector": {"matchLabels": {"app": "x", "tier": "y"}},
                    "template": {
                        "spec": {
                            "initContainers": [{"name": "migrate", "image": "m:1"}],
                            "containers": [{"name": "app", "image": "a:1"}],
                        }
                    },
                },
                "status": {
                    "conditions": [
                        {"type": "Available", "status": "True"},
                        {
                            "type": "ReplicaFailure",
                            "status": "True",
                            "reason": "FailedCreate",
                            "message": "exceeded quota",
                        },
                    ]
                },
            }
        ),
    )
    assert found.images == {"migrate": "m:1", "app": "a:1"}
    assert found.selector == "app=x,tier=y"
    assert found.problems == ("ReplicaFailure: FailedCreate: exceeded quota",)
    with pytest.raises(ValueError, match="deployment/x: no workload"):
        parse_workload("deployment/x", "{}")


def test_warnings_are_told_once_each() -> None:
    warning = {"type": "Warning", "reason": "Failed", "message": "no\nsuch image"}
    events = [{"type": "Normal", "reason": "Pulled"}, warning, warning]
    assert parse_events(json.dumps({"items": events})) == ("Failed: no such image",)


def test_the_end_of_a_deployment_takes_the_place_of_its_beginning() -> None:
    done = replace(ENTRY, outcome=DeliveryOutcome.SUCCEEDED, at=NOW + timedelta(seconds=9))
    begun = with_entry((), ENTRY)
    assert entries_of({HISTORY: begun + "what nobody wrote\n"}) == (ENTRY,)
    assert entries_of({HISTORY: with_entry((ENTRY,), done)}) == (done,)
    assert merged([(ENTRY, done), (ENTRY,)]) == (ENTRY, done)
    every: tuple[HistoryEntry, ...] = ()
    for number in range(30):
        text = with_entry(every, replace(done, version=str(number)))
        every = entries_of({HISTORY: text})
    assert [entry.version for entry in every] == [str(number) for number in range(10, 30)]


def test_a_deployment_that_was_killed_is_under_way_for_a_while_only() -> None:
    assert is_under_way((ENTRY,), NOW + timedelta(seconds=59), 60) == ENTRY
    assert is_under_way((ENTRY,), NOW + timedelta(seconds=61), 60) is None
    assert is_under_way((), NOW, 60) is None
