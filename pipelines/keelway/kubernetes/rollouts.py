"""Rollouts waited for, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from keelway._tools.kubectl import CHANGE_CAUSE, annotate_words, set_image_words, status_words
from keelway.errors import KeelwayError
from keelway.kubernetes.kubectl import ASKING_S
from keelway.kubernetes.spec import KubernetesError
from keelway.kubernetes.workloads import read_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keelway.kubernetes.kubectl import Kubectl
    from keelway.kubernetes.spec import KubernetesSpec
    from keelway.kubernetes.workloads import Change


async def wait_for_rollouts(
    kubectl: Kubectl, names: Iterable[str], spec: KubernetesSpec
) -> dict[str, str]:
    """Return what `kubectl rollout status` complains of, by workload; the first failure ends it."""
    failed: dict[str, str] = {}

    async def wait_for(name: str) -> None:
        answer = await kubectl.ask(
            *status_words(name, spec.timeout_s), timeout_s=spec.timeout_s + ASKING_S
        )
        if answer.code:
            failed[name] = answer.complaint.splitlines()[-1] if answer.complaint else "no answer"
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(wait_for, name)
    return failed


async def restore(
    kubectl: Kubectl, spec: KubernetesSpec, touched: Sequence[Change]
) -> tuple[str, ...]:
    """Give workloads the images back that they had; return what could not be, a line each."""
    problems: list[str] = []
    for change in touched:
        try:
            cause = {CHANGE_CAUSE: change.before.annotations.get(CHANGE_CAUSE, "keelway: undo")}
            words = set_image_words(change.name, change.previous)
            await kubectl.run(*words, doing=f"giving {change.name} its images back")
            await kubectl.ask(*annotate_words(change.name, cause))
        except KubernetesError as error:
            problems.append(f"{change.name}: {error.why}")
    for change in touched:
        failed = await wait_for_rollouts(kubectl, [change.name], spec)
        problems += [f"{name}: {said}" for name, said in failed.items()]
    for change in touched:
        try:
            now = (await read_state(kubectl, change.name)).images
        except KeelwayError as error:
            problems.append(f"{change.name}: {error.message}")
            continue
        problems += [
            f"{change.name}: {container} has {now.get(container)}, not {image}"
            for container, image in change.previous.items()
            if now.get(container) != image
        ]
    return tuple(problems)
