"""Why a rollout failed: conditions, containers, events and last words, as people ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._tools.kubectl import (
    events_words,
    get_words,
    logs_words,
    parse_events,
    parse_pods,
    parse_workload,
    pods_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway._tools.kubectl import PodProblem
    from keelway.kubernetes.kubectl import Kubectl

_PODS_SHOWN = 2


async def reasons_of(kubectl: Kubectl, workload: str, images: Mapping[str, str]) -> tuple[str, ...]:
    """Return why a workload is not ready with these images, a line each.

    Nothing here fails: what cannot be asked is left out.
    """
    answer = await kubectl.ask(*get_words(workload))
    if answer.code:
        return (f"{workload}: {answer.complaint}",)
    state = parse_workload(workload, answer.stdout)
    lines = [f"{workload}: {problem}" for problem in state.problems]
    listed = await kubectl.ask(*pods_words(state.selector))
    problems = () if listed.code else parse_pods(listed.stdout, images)
    for pod in list(dict.fromkeys(problem.pod for problem in problems))[:_PODS_SHOWN]:
        of_pod = [problem for problem in problems if problem.pod == pod]
        for problem in of_pod:
            lines += await _lines(kubectl, problem)
        events = await kubectl.ask(*events_words(pod))
        lines += [] if events.code else [f"{pod}: {line}" for line in parse_events(events.stdout)]
    return tuple(dict.fromkeys(lines))


async def _lines(kubectl: Kubectl, problem: PodProblem) -> list[str]:
    if problem.container is None:
        return [f"{problem.pod}: {problem.text}"]
    said = await kubectl.ask(
        *logs_words(problem.pod, problem.container, previous=problem.restarted)
    )
    name = f"{problem.pod}/{problem.container}"
    logs = [] if said.code else [f"{name} | {line}" for line in said.stdout.splitlines()]
    return [f"{name}: {problem.text}", *logs]
