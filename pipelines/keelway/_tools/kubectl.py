"""kubectl: what to type, and what its JSON says of workloads, pods and events.

Example:
    >>> set_image_words("deployment/orders", {"app": "host/orders@sha256:0"})
    ('set', 'image', 'deployment/orders', 'app=host/orders@sha256:0')
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHANGE_CAUSE = "kubernetes.io/change-cause"
"""The annotation that `kubectl rollout history` shows."""
_LOG_LINES = 20
_EVENTS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadState:
    """What a workload is told, and how far it is."""

    name: str
    """`deployment/orders`."""
    images: Mapping[str, str]
    """By container, init containers too."""
    annotations: Mapping[str, str]
    selector: str
    """Of its pods, as `kubectl get pods --selector` takes it."""
    resource_version: str
    is_paused: bool
    """Whether its rollout is paused, so that nothing would happen."""
    problems: tuple[str, ...]
    """Conditions that speak against it, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodProblem:
    """Why a pod is not ready."""

    pod: str
    container: str | None
    text: str
    restarted: bool
    """Whether what the container said before it was started again is of interest."""


def get_words(kind_and_name: str) -> tuple[str, ...]:
    """Return what reads one object."""
    return ("get", kind_and_name, "--output=json")


def set_image_words(workload: str, images: Mapping[str, str]) -> tuple[str, ...]:
    """Return what tells a workload the images of its containers."""
    return ("set", "image", workload, *(f"{name}={image}" for name, image in images.items()))


def annotate_words(
    workload: str, annotations: Mapping[str, str], resource_version: str | None = None
) -> tuple[str, ...]:
    """Return what annotates a workload; only as it was read, where its version is given."""
    pairs = (f"{key}={value}" for key, value in annotations.items())
    only = () if resource_version is None else (f"--resource-version={resource_version}",)
    return ("annotate", workload, "--overwrite", *only, *pairs)


def status_words(workload: str, timeout_s: float) -> tuple[str, ...]:
    """Return what waits for a rollout, and fails when its progress deadline is over."""
    return ("rollout", "status", workload, f"--timeout={max(1, round(timeout_s))}s")


def pods_words(selector: str) -> tuple[str, ...]:
    """Return what lists the pods of a workload."""
    return ("get", "pods", f"--selector={selector}", "--output=json")


def events_words(pod: str) -> tuple[str, ...]:
    """Return what lists the events of a pod."""
    return ("get", "events", f"--field-selector=involvedObject.name={pod}", "--output=json")


def logs_words(pod: str, container: str, *, previous: bool) -> tuple[str, ...]:
    """Return what shows the last words of a container, or of the one before it."""
    which = ("--previous",) if previous else ()
    return ("logs", pod, f"--container={container}", f"--tail={_LOG_LINES}", *which)


def parse_workload(name: str, text: str) -> WorkloadState:
    """Return what a workload is told, from `kubectl get --output=json`.

    Raises:
        ValueError: When it is none.
    """
    found = cast("dict[str, Any]", json.loads(text))
    try:
        metadata, spec = found["metadata"], found["spec"]
        pod = spec["template"]["spec"]
        containers = [*pod.get("initContainers", ()), *pod["containers"]]
        labels: dict[str, str] = spec["selector"].get("matchLabels", {})
        return WorkloadState(
            name=name,
            images={one["name"]: one["image"] for one in containers},
            annotations=metadata.get("annotations", {}),
            selector=",".join(f"{key}={value}" for key, value in labels.items()),
            resource_version=metadata["resourceVersion"],
            is_paused=bool(spec.get("paused", False)),
            problems=tuple(_conditions(found.get("status", {}))),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{name}: no workload: {error}") from error


def parse_pods(text: str, images: Mapping[str, str]) -> tuple[PodProblem, ...]:
    """Return what keeps pods from being ready.

    Args:
        text: From `kubectl get pods --output=json`.
        images: By container; pods with others are those of another version.
    """
    found: list[PodProblem] = []
    for pod in json.loads(text).get("items", ()):
        spec = pod["spec"]
        containers = [*spec.get("initContainers", ()), *spec["containers"]]
        has = {one["name"]: one["image"] for one in containers}
        if all(has.get(name) == image for name, image in images.items()):
            found += _pod_problems(pod)
    return tuple(found)


def parse_events(text: str) -> tuple[str, ...]:
    """Return the last warnings of a pod, oldest first, a line each."""
    warnings = [
        f"{event.get('reason', '')}: {' '.join(str(event.get('message', '')).split())}"
        for event in json.loads(text).get("items", ())
        if event.get("type") == "Warning"
    ]
    return tuple(dict.fromkeys(warnings))[-_EVENTS_SHOWN:]


def _conditions(status: dict[str, Any]) -> Iterator[str]:
    for condition in status.get("conditions", ()):
        is_bad = condition["status"] == "True" if condition["type"] == "ReplicaFailure" else (
            condition["status"] == "False"
        )  # fmt: skip
        if is_bad:
            yield f"{condition['type']}: {condition.get('reason')}: {condition.get('message')}"


def _pod_problems(pod: dict[str, Any]) -> Iterator[PodProblem]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    any_container = False
    for one in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        text = None if one.get("ready") else _container_problem(one)
        if text is not None:
            any_container = True
            yield PodProblem(
                pod=name,
                container=one["name"],
                text=text,
                restarted=one.get("restartCount", 0) > 0,
            )
    if not any_container:
        for condition in status.get("conditions", ()):
            if condition["status"] == "False" and condition.get("message"):
                said = f"{condition['type']}: {condition['message']}"
                yield PodProblem(pod=name, container=None, text=said, restarted=False)


def _container_problem(status: dict[str, Any]) -> str | None:
    state: dict[str, Any] = status.get("state", {})
    last: dict[str, Any] = status.get("lastState", {})
    ended = state.get("terminated") or last.get("terminated")
    exit_text = f", it ended with exit code {ended['exitCode']}" if ended else ""
    if "waiting" in state:
        waiting: dict[str, Any] = state["waiting"]
        message = f": {waiting['message']}" if waiting.get("message") else ""
        return f"{waiting.get('reason')}{message}{exit_text}"
    if "terminated" in state:
        reason = state["terminated"].get("reason") or "Terminated"
        return None if ended and ended["exitCode"] == 0 else f"{reason}{exit_text}"
    return f"it runs, but it is not ready{exit_text}" if "running" in state else None
