"""Take targets back: to the release before, or to any that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._stage import Run, stage
from keelway._targets import DeploySpec, keyring_of, take_back_from, task_of
from keelway.model.history import DeliveryEvent
from keelway.model.rollout import Rollout

if TYPE_CHECKING:
    from keelway.model.rollout import TargetRollout


@stage("rollback")
async def roll_back(run: Run, spec: DeploySpec, version: str | None = None) -> Rollout:
    """Return what runs after all targets went back.

    What a deployment that was cut off left behind is undone first; where no version is named, that
    was it.

    Args:
        run: The run.
        spec: The targets, as `plan_deploy` returns them.
        version: The one before the one that runs, where none is named.

    Raises:
        PlanError: There is none to go back to, or one since then is frozen.
        DeployError: It failed; what ran before runs again.
        RollbackError: That failed too: a person is needed.
        StageError: A target could not be reached.
    """
    doing = f"going back to {version or 'the release before'}"
    task = task_of(run, spec, DeliveryEvent.ROLLBACK, doing)
    keyring = keyring_of(run, spec)
    done: list[TargetRollout] = []
    for target in spec.targets:
        done.append(await take_back_from(run, target, version, task, keyring))  # noqa: PERF401 - in order
    return Rollout(targets=tuple(done))
