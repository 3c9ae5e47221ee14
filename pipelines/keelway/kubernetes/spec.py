"""What a cluster is told of a release, decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._secrets import plan_secret
from keelway.errors import StageError
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.config.deploy_kubernetes import KubernetesTarget
    from keelway.facts import Facts

STAGE = "deploy"


class KubernetesError(StageError):
    """A cluster could not be asked, or refused; no workload is on the new version."""

    def __init__(
        self, message: str, *, why: str | None = None, next_step: str | None = None
    ) -> None:
        """Keep what happened."""
        super().__init__(message, stage=STAGE, why=why, next_step=next_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSpec:
    """One target: workloads of one namespace."""

    target: str
    """The target's name."""
    project: str
    environment: str
    """As it is called under `[environments]`, or the target's name."""
    workloads: Mapping[str, Mapping[str, str]]
    """By workload, as `deployment/orders`: the image of each container."""
    namespace: str = "default"
    kubeconfig: str | None = None
    """Where the kubeconfig is read; that of this machine without one."""
    context: str | None = None
    timeout_s: float = 300


def plan_kubernetes(
    target: KubernetesTarget, facts: Facts, *, name: str, project: str
) -> KubernetesSpec | Skipped:
    """Return what is done with a cluster, or why nothing is.

    Args:
        target: What is written under `[deploy.NAME]`.
        facts: What is true here.
        name: The target's.
        project: The project's.

    Raises:
        PlanError: The kubeconfig is missing.
    """
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    what = f"the kubeconfig of {name}"
    kubeconfig = target.kubeconfig
    return KubernetesSpec(
        target=name,
        project=project,
        environment=target.environment or name,
        workloads={key: dict(containers) for key, containers in target.workloads.items()},
        namespace=target.namespace,
        kubeconfig=None if kubeconfig is None else plan_secret(kubeconfig, facts, what=what),
        context=target.context,
        timeout_s=target.timeout_s,
    )
