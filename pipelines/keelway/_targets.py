"""Targets of every kind: planned, brought a release, taken back, and asked what was done.

Here the kinds part, and nowhere else.
"""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from keelway._secrets import read_own_secret
from keelway.deploy.compose_kit import ComposeKit, ComposeSpec
from keelway.deploy.planned import plan_compose, plan_hosts
from keelway.deploy.proving import refused_words
from keelway.deploy.running import deploy_to_hosts, note_refusal, take_back
from keelway.deploy.target import Checked, HostsSpec, Task
from keelway.errors import GateError, KeelwayError, PlanError, RegistryError
from keelway.gitops.deploying import deploy_gitops, read_gitops_history
from keelway.gitops.planned import plan_gitops
from keelway.gitops.spec import GitOpsSpec
from keelway.kubernetes.deploying import deploy_kubernetes, read_kubernetes_history
from keelway.kubernetes.spec import KubernetesSpec, plan_kubernetes
from keelway.model.history import Actor, DeliveryEvent
from keelway.model.rollout import TargetRollout, Wanted
from keelway.model.target_release import TargetRelease, earlier_release

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.config import Config, DeployTarget
    from keelway.deploy.opening import ReadSecret
    from keelway.facts import Facts
    from keelway.model.history import HistoryEntry
    from keelway.model.outcome import Skipped
    from keelway.model.registry import RegistrySpec
    from keelway.registry.keyring import Keyring
    from keelway.verification.verify import VerifySpec

_STAGE = "deploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsTarget:
    """A target of hosts that run a compose project."""

    hosts: HostsSpec
    compose: ComposeSpec

    @property
    def target(self) -> str:
        """Return its name."""
        return self.hosts.name

    @property
    def environment(self) -> str:
        """Return what it is in."""
        return self.hosts.environment


TargetSpec = HostsTarget | GitOpsSpec | KubernetesSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOrder:
    """What whoever deploys by hand asks for beside the release."""

    freeze: str | None = None
    """Why nobody may go back behind the release unasked."""
    reason: str | None = None
    """Why it is done."""
    force: bool = False
    """Whether to go back behind a frozen release."""
    run_analysis: bool = True
    """Whether the release is judged under its traffic."""
    lock_wait_s: float = 0
    """How long somebody else's lock is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySpec:
    """Where a release is deployed."""

    targets: tuple[TargetSpec, ...]
    version: str
    """What people call the release."""
    actor: Actor
    verify: VerifySpec | None
    """What is asked of the images; nothing where no target asks."""
    unverified: tuple[str, ...] = ()
    """Targets that take what does not verify."""
    registries: tuple[RegistrySpec, ...] = ()
    """The configured ones, for logins."""
    login_files: tuple[str, ...] = ()
    """Docker's configurations of this machine; the first that exists counts."""
    variables: frozenset[str] = frozenset()
    """Names of the environment variables that are set."""
    order: DeployOrder = field(default_factory=DeployOrder)


def plan_target(
    name: str, target: DeployTarget, config: Config, facts: Facts
) -> TargetSpec | Skipped:
    """Return what is done with a target, or why nothing is.

    Raises:
        PlanError: A secret is missing.
    """
    match target.kind:
        case "compose":
            return HostsTarget(
                hosts=plan_hosts(name, target, config, facts),
                compose=plan_compose(name, target, config, facts),
            )
        case "gitops":
            return plan_gitops(target, facts, name=name, project=config.project.name)
        case "kubernetes":
            return plan_kubernetes(target, facts, name=name, project=config.project.name)


async def bring_to(
    run: Run, target: TargetSpec, checked: Checked, task: Task, keyring: Keyring
) -> TargetRollout:
    """Bring a release that verified to a target.

    Raises:
        DeployError: It failed; what ran before runs again.
        RollbackError: That failed too: a person is needed.
        StageError: The target could not be reached.
    """
    if isinstance(target, HostsTarget):
        read = reader(run)
        kit = await _kit(run, target, keyring)
        return await deploy_to_hosts(
            target.hosts, checked, task=task, kit=kit, read=read, clock=run.clock
        )
    release = TargetRelease(
        version=checked.wanted.version,
        images=checked.images,
        actor=task.actor,
        evidence=checked.evidence,
        reason=task.reason,
    )
    return await _told(run, target, release)


async def take_back_from(
    run: Run, target: TargetSpec, version: str | None, task: Task, keyring: Keyring
) -> TargetRollout:
    """Take a target back, to the release before where no version is named.

    Raises:
        PlanError: There is none to go back to, or one since then is frozen.
        DeployError: It failed; what ran before runs again.
        RollbackError: That failed too: a person is needed.
        StageError: The target could not be reached.
    """
    if isinstance(target, HostsTarget):
        read = reader(run)
        kit = ComposeKit(target.compose, {}, keyring.find)
        return await take_back(
            target.hosts, version, task=task, kit=kit, read=read, clock=run.clock
        )
    history = await read_target_history(run, target)
    entry = earlier_release(history, version)
    if entry is None:
        raise PlanError(
            f"{target.target} has no release {version or ''} to go back to".replace("  ", " "),
            next_step="`keelway history` tells which there were",
        )
    release = TargetRelease(
        version=entry.version,
        images=entry.images,
        actor=task.actor,
        event=DeliveryEvent.ROLLBACK,
        evidence=entry.evidence,
        reason=task.reason,
    )
    return await _told(run, target, release)


async def read_target_history(
    run: Run, target: GitOpsSpec | KubernetesSpec
) -> tuple[HistoryEntry, ...]:
    """Return the history of a target that keeps it itself.

    Raises:
        StageError: It could not be asked.
    """
    if isinstance(target, GitOpsSpec):
        return await read_gitops_history(run, target)
    return await read_kubernetes_history(run, target)


async def _told(
    run: Run, target: GitOpsSpec | KubernetesSpec, release: TargetRelease
) -> TargetRollout:
    """Bring a release to a target that is only told its images."""
    if isinstance(target, GitOpsSpec):
        kind, done = "gitops", await deploy_gitops(run, target, release)
    else:
        kind, done = "kubernetes", await deploy_kubernetes(run, target, release)
    return TargetRollout(
        target=target.target,
        environment=target.environment,
        kind=kind,
        version=done.entry.version,
        images=done.entry.images,
        evidence=release.evidence,
        details=done.details,
        duration_s=done.entry.duration_s or 0,
    )


async def _kit(run: Run, target: HostsTarget, keyring: Keyring) -> ComposeKit:
    """Return what renders a target's releases; its secrets are read now, before a host is."""
    read = reader(run)
    sources = target.compose.secrets
    values = {
        name: await read(source, f"the secret {name} of {target.target}")
        for name, source in sources.items()
    }
    return ComposeKit(target.compose, values, keyring.find)


async def tell_refusal(
    run: Run, target: TargetSpec, wanted: Wanted, error: GateError | RegistryError, task: Task
) -> None:
    """Tell histories on hosts; that one cannot be reached changes nothing about it."""
    if not isinstance(target, HostsTarget):
        return
    try:
        await note_refusal(
            target.hosts, Checked(wanted=wanted), refused_words(error), task=task,
            read=reader(run), clock=run.clock,
        )  # fmt: skip
    except KeelwayError as lost:
        run.say(_STAGE, f"the history misses this: {lost.message}")


def task_of(run: Run, spec: DeploySpec, event: DeliveryEvent, doing: str) -> Task:
    """Return what is to be done, on whose account."""
    order = spec.order
    return Task(
        event=event,
        actor=spec.actor,
        doing=doing,
        run=randomness.token_hex(16),
        tell=partial(run.say, _STAGE),
        run_analysis=order.run_analysis,
        reason=order.reason,
        force=order.force,
        freeze=order.freeze,
        lock_wait_s=order.lock_wait_s,
    )


def keyring_of(run: Run, spec: DeploySpec) -> Keyring:
    """Return the logins to registries, each found when it is needed."""
    from keelway.registry.keyring import Keyring  # noqa: PLC0415 - not for a plan

    read = reader(run)

    async def stripped(source: str, what: str) -> str:
        return (await read(source, what)).strip()

    return Keyring(
        registries=spec.registries,
        files=spec.login_files,
        read=stripped,
        variables=spec.variables,
    )


def reader(run: Run) -> ReadSecret:
    """Return what reads secrets, without an engine where that is possible."""

    async def read(source: str, what: str) -> str:
        return await read_own_secret(source, what=what, run=run)

    return read
