"""Experiments on what was deployed, in front of the user."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from keelway._cli import output
from keelway._cli.deploying import Asked, opened, planned
from keelway._cli.env import terminal_form
from keelway._cli.stopping import run_until_stopped
from keelway._targets import HostsTarget, reader
from keelway.deploy.disturbing import Disturbing, hurt_target, plan_disturbances
from keelway.errors import KeelwayError, PlanError
from keelway.report.terminal import open_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway._cli.deploying import Planned
    from keelway.deploy.faults import DeployedFault
    from keelway.faults.spec import Disturbance
    from keelway.model.events import Observer
    from keelway.model.progress_form import ProgressForm

FAULTS_SCHEMA = "keelway.faults/1"
_STAGE = "faults"


def show_faults(
    target: str,
    only: Sequence[str],
    config: Path | None,
    progress: ProgressForm,
    *,
    lock_wait_s: float,
    as_json: bool,
) -> None:
    """Carry experiments out, and print what came of them.

    Raises:
        PlanError: There is no such target, or no such experiment.
        KeelwayError: A service did not bear it as it should, or a host is lost.
    """
    plan = planned(Asked(targets=(target,), lock_wait_s=lock_wait_s), config)
    chosen = _chosen(plan, only)

    async def work(observer: Observer) -> tuple[DeployedFault, ...]:
        (spec,) = plan.spec.targets
        if not isinstance(spec, HostsTarget):
            raise PlanError(f"{target} has no hosts on which services could be hurt")
        async with opened(plan.spec, observer) as run:
            by = Disturbing(
                actor=plan.spec.actor,
                tell=partial(run.say, _STAGE),
                clock=run.clock,
                lock_wait_s=lock_wait_s,
            )
            return await hurt_target(spec.hosts, chosen, by, reader(run))

    with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
        found = run_until_stopped(partial(work, observer))
    output.result(_document(target, found) if as_json else "\n".join(_line(one) for one in found))
    objections = [line for one in found for line in one.objections]
    if objections:
        raise KeelwayError(
            f"{target} does not bear what it should",
            why="; ".join(objections),
            next_step=f"`keelway health {target}` tells whether all is well again",
        )


def _chosen(plan: Planned, only: Sequence[str]) -> tuple[Disturbance, ...]:
    (spec,) = plan.spec.targets
    target = plan.config.deploy[spec.target]
    written = target.faults if target.kind == "compose" else ()
    known = [one.name for one in written]
    for name in only:
        if name not in known:
            raise PlanError(
                f"{spec.target} has no experiment {name}",
                next_step=f"known: {', '.join(known) or 'none'}",
            )
    if not written:
        raise PlanError(
            f"{spec.target} has no experiments",
            next_step=f"write them under [[deploy.{spec.target}.faults]]",
        )
    return plan_disturbances(one for one in written if not only or one.name in only)


def _line(one: DeployedFault) -> str:
    return f"{'failed' if one.objections else 'passed'}  {one.host}  {one.result.told}"


def _document(target: str, found: Sequence[DeployedFault]) -> str:
    faults = [
        {"host": one.host, "passed": not one.objections, **asdict(one.result)}
        | {"objections": list(one.objections)}
        for one in found
    ]
    document = {"schema": FAULTS_SCHEMA, "target": target, "faults": faults}
    return json.dumps(document, indent=2, ensure_ascii=False)
