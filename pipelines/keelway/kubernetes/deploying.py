"""A release brought to workloads of a cluster: all of them are on it afterwards, or none.

Each is told its images by digest, and its rollout is waited for, side by side. When one fails,
every workload that was touched gets exactly the images back that it had, and that is waited for and
read again too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from keelway._tools.kubectl import set_image_words
from keelway.errors import DeployError, RollbackError
from keelway.kubernetes.annotations import entries_of, merged
from keelway.kubernetes.claims import claim, remember
from keelway.kubernetes.kubectl import open_kubectl
from keelway.kubernetes.reasons import reasons_of
from keelway.kubernetes.rollouts import restore, wait_for_rollouts
from keelway.kubernetes.spec import STAGE, KubernetesError
from keelway.kubernetes.workloads import find_changes, read_state
from keelway.model.history import DeliveryOutcome, HistoryEntry
from keelway.model.target_release import TargetOutcome, TargetRelease

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway._stage import Run
    from keelway.kubernetes.kubectl import Kubectl
    from keelway.kubernetes.spec import KubernetesSpec
    from keelway.kubernetes.workloads import Change


async def deploy_kubernetes(
    run: Run, spec: KubernetesSpec, release: TargetRelease
) -> TargetOutcome:
    """Return what became of a release in a cluster: all workloads are on it.

    Args:
        run: The run.
        spec: The cluster and its workloads.
        release: The images by digest, verified before.

    Raises:
        PlanError: The kubeconfig cannot be read.
        KubernetesError: Nothing was changed, and why.
        DeployError: It failed, and all workloads are back on the images that they had.
        RollbackError: It failed, and some workload could not be brought back.
    """
    began = run.clock.now()
    async with open_kubectl(run, spec) as kubectl:
        changes = await find_changes(kubectl, spec, release)
        started = _entry(run, spec, release, changes)
        if not any(change.is_needed for change in changes):
            return await _same(run, kubectl, spec, changes, started)
        changes = await claim(kubectl, spec, changes, started)
        failed = await _roll_out(run, kubectl, spec, changes, release)
        seconds = (run.clock.now() - began).total_seconds()
        ended = replace(started, at=run.clock.now(), duration_s=seconds)
        if failed:
            reason = "\n".join(failed)
            await _go_back(run, kubectl, spec, changes, replace(ended, reason=reason))
        done = replace(ended, outcome=DeliveryOutcome.SUCCEEDED)
        await remember(kubectl, changes, done)
    touched = [change for change in changes if change.is_needed]
    details = tuple(
        f"{change.name}: {container} is {image}"
        for change in touched
        for container, image in change.wanted.items()
    )
    for line in details:
        run.say(STAGE, line)
    return TargetOutcome(entry=done, changed=True, details=details)


async def read_kubernetes_history(run: Run, spec: KubernetesSpec) -> tuple[HistoryEntry, ...]:
    """Return what the workloads remember, oldest first.

    Raises:
        PlanError: The kubeconfig cannot be read.
        KubernetesError: The cluster could not be asked.
    """
    async with open_kubectl(run, spec) as kubectl:
        states = [await read_state(kubectl, name) for name in spec.workloads]
    return merged(entries_of(state.annotations) for state in states)


def _entry(
    run: Run, spec: KubernetesSpec, release: TargetRelease, changes: Sequence[Change]
) -> HistoryEntry:
    began = run.clock.now()
    known = merged(entries_of(change.before.annotations) for change in changes)
    good = [entry for entry in known if entry.outcome is DeliveryOutcome.SUCCEEDED]
    return HistoryEntry(
        at=began,
        event=release.event,
        outcome=DeliveryOutcome.STARTED,
        project=spec.project,
        environment=spec.environment,
        target=spec.target,
        version=release.version,
        images=release.images,
        evidence=release.evidence,
        actor=release.actor,
        replaced=good[-1].version if good else None,
        reason=release.reason,
        run=f"{began.timestamp():.6f}-{release.version}",
    )


async def _same(
    run: Run,
    kubectl: Kubectl,
    spec: KubernetesSpec,
    changes: Sequence[Change],
    started: HistoryEntry,
) -> TargetOutcome:
    """Return that nothing changed, once all workloads are ready with what they have."""
    failed = await _failures(kubectl, spec, changes)
    if failed:
        raise KubernetesError(
            f"{started.version} was in {spec.target} already, and it is not ready",
            why="\n".join(failed),
            next_step="deploy another version, or roll back",
        )
    line = "all workloads have these images already, and are ready"
    run.say(STAGE, line)
    done = replace(started, at=run.clock.now(), outcome=DeliveryOutcome.SUCCEEDED)
    return TargetOutcome(entry=done, changed=False, details=(line,))


async def _roll_out(
    run: Run,
    kubectl: Kubectl,
    spec: KubernetesSpec,
    changes: Sequence[Change],
    release: TargetRelease,
) -> tuple[str, ...]:
    """Return why the new images are no good, a line each; nothing when all are ready."""
    try:
        for change in changes:
            if change.is_needed:
                words = set_image_words(change.name, change.wanted)
                await kubectl.run(*words, doing=f"telling {change.name} its images")
                run.say(STAGE, f"{change.name} rolls out {release.version}")
    except KubernetesError as error:
        return (f"{error.message}: {error.why}",)
    return await _failures(kubectl, spec, changes)


async def _failures(
    kubectl: Kubectl, spec: KubernetesSpec, changes: Sequence[Change]
) -> tuple[str, ...]:
    """Return what keeps workloads from being ready, a line each."""
    failed = await wait_for_rollouts(kubectl, [change.name for change in changes], spec)
    lines: list[str] = []
    for name, said in failed.items():
        wanted = next(change.wanted for change in changes if change.name == name)
        lines += [f"{name}: {said}", *await reasons_of(kubectl, name, wanted)]
    return tuple(lines)


async def _go_back(
    run: Run,
    kubectl: Kubectl,
    spec: KubernetesSpec,
    changes: Sequence[Change],
    ended: HistoryEntry,
) -> None:
    """Give all workloads their images back, see that they have them, and raise what happened."""
    touched = [change for change in changes if change.is_needed]
    why = ended.reason or ""
    what = f"{ended.version} failed in {spec.target}"
    problems: tuple[str, ...] = ()
    with anyio.CancelScope(shield=True):
        run.say(STAGE, f"{what}: {', '.join(change.name for change in touched)} go back")
        problems = await restore(kubectl, spec, touched)
        outcome = DeliveryOutcome.FAILED if problems else DeliveryOutcome.ROLLED_BACK
        await remember(kubectl, changes, replace(ended, outcome=outcome))
    if problems:
        raise RollbackError(
            f"{what}, and going back failed too: {'; '.join(problems)}",
            why=why,
            next_step="look at these workloads: kubectl rollout history, kubectl rollout undo",
        )
    raise DeployError(
        f"{what}: every workload is back on the images that it had",
        why=why,
    )
