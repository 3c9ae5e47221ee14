"""Bring a release to its targets: it verifies, or nothing is touched.

A target that fails stops those that come after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._registries import plan_registries
from keelway._stage import Run, stage
from keelway.errors import GateError, PlanError, RegistryError
from keelway.facts.release import release_names
from keelway.model.history import DeliveryEvent
from keelway.model.outcome import Skipped
from keelway.model.rollout import Rollout, TargetRollout, Wanted

if TYPE_CHECKING:
    from collections.abc import Collection

    from keelway._targets import DeployOrder, DeploySpec
    from keelway.config import Config, DeployTarget
    from keelway.facts import Facts
    from keelway.model.published import Published

_STAGE = "deploy"


def plan_deploy(
    config: Config,
    facts: Facts,
    *,
    only: Collection[str] | None = None,
    order: DeployOrder | None = None,
) -> DeploySpec | Skipped:
    """Return where a release is deployed.

    Args:
        config: What was written.
        facts: What is true here.
        only: The targets, by name; without any, those that every release goes to.
        order: What whoever deploys by hand asks for.

    Raises:
        PlanError: There is no such target, a secret is missing, or nobody says whose signature
            counts.
    """
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    chosen = _chosen(config, only)
    if not chosen:
        return Skipped("no deploy target has on_release = true")
    # Most releases are not deployed when they are made: they do not pay for what does it.
    from keelway._targets import DeployOrder, DeploySpec, plan_target  # noqa: PLC0415
    from keelway.verification.configured import configured_spec  # noqa: PLC0415

    planned = {name: plan_target(name, target, config, facts) for name, target in chosen.items()}
    unverified = tuple(name for name, target in chosen.items() if not _asks(target))
    names = release_names(config, facts)
    return DeploySpec(
        targets=tuple(one for one in planned.values() if not isinstance(one, Skipped)),
        version=names.version or next(iter(names.tags), "unnamed"),
        actor=facts.actor,
        verify=None if len(unverified) == len(chosen) else configured_spec(config, facts),
        unverified=unverified,
        registries=plan_registries(config, facts),
        login_files=facts.login_files,
        variables=facts.variables,
        order=order or DeployOrder(),
    )


def _chosen(config: Config, only: Collection[str] | None) -> dict[str, DeployTarget]:
    if only is None:
        return {name: one for name, one in config.deploy.items() if one.on_release}
    for name in only:
        if name not in config.deploy:
            known = ", ".join(config.deploy) or "none"
            raise PlanError(f"there is no deploy target '{name}'", next_step=f"known: {known}")
    return {name: config.deploy[name] for name in only}


def _asks(target: DeployTarget) -> bool:
    return target.require_verified


@stage(_STAGE)
async def deploy(run: Run, spec: DeploySpec, published: Published) -> Rollout:
    """Return what runs after a release was brought to all targets.

    Args:
        run: The run.
        spec: The targets.
        published: The release; the first registry is the one that targets take it from.

    Raises:
        GateError: It does not verify; nothing was touched.
        RegistryError: It is not there, or was tampered with; nothing was touched.
        DeployError: It failed on a target; what ran there before runs again.
        RollbackError: That failed too: a person is needed.
        StageError: A target could not be reached.
    """
    images = {one.name: one.references()[0] for one in published.images}
    return await _to_all(run, spec, Wanted(version=spec.version, images=images))


@stage(_STAGE)
async def deploy_wanted(run: Run, spec: DeploySpec, wanted: Wanted) -> Rollout:
    """Return what runs after a release, named by tags or digests, was brought to all targets.

    Raises:
        GateError: It does not verify; nothing was touched, and histories of hosts tell it.
        RegistryError: It is not there, or was tampered with; the same holds.
        DeployError: It failed on a target; what ran there before runs again.
        RollbackError: That failed too: a person is needed.
        StageError: A target could not be reached.
    """
    return await _to_all(run, spec, wanted)


async def _to_all(run: Run, spec: DeploySpec, wanted: Wanted) -> Rollout:
    from keelway._targets import bring_to, keyring_of, task_of, tell_refusal  # noqa: PLC0415
    from keelway.deploy.proving import prove  # noqa: PLC0415

    keyring = keyring_of(run, spec)
    done: list[TargetRollout] = []
    task = task_of(run, spec, DeliveryEvent.DEPLOY, f"deploying {wanted.version}")
    for target in spec.targets:
        asked = None if target.target in spec.unverified else spec.verify
        try:
            checked = await prove(wanted, asked, keyring.find)
        except (GateError, RegistryError) as error:
            await tell_refusal(run, target, wanted, error, task)
            raise
        done.append(await bring_to(run, target, checked, task, keyring))
    return Rollout(targets=tuple(done))
