"""Workloads of a target: what each one has, and what it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._tools.kubectl import get_words, parse_workload
from keelway.kubernetes.spec import KubernetesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway._tools.kubectl import WorkloadState
    from keelway.kubernetes.kubectl import Kubectl
    from keelway.kubernetes.spec import KubernetesSpec
    from keelway.model.target_release import TargetRelease


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One workload, with what it has and what it gets."""

    before: WorkloadState
    wanted: Mapping[str, str]
    """By container: those that keelway cares for."""

    @property
    def name(self) -> str:
        """Return the workload's name."""
        return self.before.name

    @property
    def previous(self) -> dict[str, str]:
        """Return the images that these containers had."""
        return {container: self.before.images[container] for container in self.wanted}

    @property
    def is_needed(self) -> bool:
        """Return whether it has other images now."""
        return self.previous != self.wanted


async def find_changes(
    kubectl: Kubectl, spec: KubernetesSpec, release: TargetRelease
) -> tuple[Change, ...]:
    """Return what each workload has and gets; nothing is changed yet.

    Raises:
        KubernetesError: The cluster could not be asked, or has not what the target names.
    """
    found: list[Change] = []
    for name, containers in spec.workloads.items():
        for container, image in containers.items():
            if image not in release.images:
                raise KubernetesError(
                    f"the release {release.version} has no image {image!r}",
                    why=f"deploy.{spec.target}.workloads names it for {name}, {container}",
                )
        wanted = {container: release.images[image] for container, image in containers.items()}
        state = await read_state(kubectl, name)
        absent = [container for container in wanted if container not in state.images]
        if absent:
            raise KubernetesError(
                f"{name} has no container {absent[0]}",
                why=f"it has {', '.join(state.images)}",
                next_step=f"correct deploy.{spec.target}.workloads",
            )
        if state.is_paused:
            raise KubernetesError(
                f"the rollout of {name} is paused: nothing would happen",
                next_step=f"kubectl rollout resume {name}",
            )
        found.append(Change(before=state, wanted=wanted))
    return tuple(found)


async def read_state(kubectl: Kubectl, name: str) -> WorkloadState:
    """Return what a workload is told now, and how far it is.

    Raises:
        KubernetesError: The cluster could not be asked, or has no such workload.
    """
    text = await kubectl.run(*get_words(name), doing=f"reading {name}")
    try:
        return parse_workload(name, text)
    except ValueError as error:
        raise KubernetesError(str(error)) from error
