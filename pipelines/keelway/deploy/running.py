"""A target of hosts deployed to, or taken back: hosts reached and locked, then `rollout`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from keelway.deploy import rollout
from keelway.deploy.lock import Holder, Wish, break_lock, holding, look, new_token
from keelway.deploy.notebook import Notebook
from keelway.deploy.opening import open_hosts
from keelway.deploy.target import Checked
from keelway.deploy.turn import Turn
from keelway.model.history import DeliveryEvent, DeliveryOutcome
from keelway.model.rollout import HostState, TargetRollout, Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keelway._stage import Clock
    from keelway.deploy.lock import Broken, Place
    from keelway.deploy.opening import ReadSecret
    from keelway.deploy.side import Side
    from keelway.deploy.target import HostsSpec, Kit, Task


async def deploy_to_hosts(
    spec: HostsSpec, checked: Checked, *, task: Task, kit: Kit, read: ReadSecret, clock: Clock
) -> TargetRollout:
    """Return the target after a release that verified was brought to all of its hosts.

    Raises:
        DeployError: It failed; what ran before runs again, on all hosts.
        RollbackError: That failed too, or must not be done unasked: a person is needed.
        LockedError: Somebody else deploys there.
        HostError: A host could not be reached, before anything was changed.
    """
    work = partial(rollout.deploy, checked=checked)
    return await _on_hosts(spec, task, kit, read, clock, work)


async def take_back(
    spec: HostsSpec, version: str | None, *, task: Task, kit: Kit, read: ReadSecret, clock: Clock
) -> TargetRollout:
    """Return the target after all of its hosts went back to a release that they keep.

    Raises:
        PlanError: There is no such release on all hosts, or one since then is frozen.
        DeployError: It failed; what ran before runs again.
        RollbackError: That failed too: a person is needed.
        LockedError: Somebody else deploys there.
        HostError: A host could not be reached.
    """
    work = partial(rollout.go_back_to, version=version)
    return await _on_hosts(spec, task, kit, read, clock, work)


async def note_refusal(
    spec: HostsSpec, checked: Checked, reason: str, *, task: Task, read: ReadSecret, clock: Clock
) -> None:
    """Write into the history of all hosts that a release was refused; no lock is needed for that.

    Raises:
        HostError: A host cannot be reached.
    """
    async with open_hosts(spec, read) as places:
        notebook = Notebook(places=places, spec=spec, task=task, clock=clock, began=clock.now())
        entry = notebook.entry(DeliveryOutcome.FAILED, checked, replaced=None)
        await notebook.write(replace(entry, reason=reason))


async def unlock(spec: HostsSpec, *, task: Task, read: ReadSecret, clock: Clock) -> tuple[str, ...]:
    """Break the locks of a target's hosts, and return a line for each: whose it was.

    Raises:
        HostError: A host cannot be reached.
    """
    told: list[str] = []
    async with open_hosts(spec, read) as places:
        notebook = Notebook(places=places, spec=spec, task=task, clock=clock, began=clock.now())
        for host, layout in places:
            held = await look(host, layout)
            if held is not None and await break_lock(host, layout, held):
                told.append(f"{host.name} was locked by {held.words()}")
        if told:
            await _note_unlock(notebook, "; ".join((task.reason or "", *told)))
    return tuple(told)


async def _on_hosts(
    spec: HostsSpec,
    task: Task,
    kit: Kit,
    read: ReadSecret,
    clock: Clock,
    work: Callable[[Turn], Awaitable[tuple[Side, ...]]],
) -> TargetRollout:
    began = clock.now()
    holder = Holder(
        token=new_token(),
        who=task.actor.who,
        where=task.actor.where,
        doing=task.doing,
        run_url=task.actor.run_url,
        since=began,
        expires_s=spec.lock_expires_s,
    )
    wish = Wish(holder=holder, target=spec.name, wait_s=task.lock_wait_s, tell=task.tell)
    async with open_hosts(spec, read) as places:
        notebook = Notebook(places=places, spec=spec, task=task, clock=clock, began=began)
        turn = Turn(
            spec=spec, task=task, kit=kit, places=places, clock=clock, holder=holder,
            notebook=notebook,
        )  # fmt: skip

        async def locked(broken: Broken) -> tuple[Side, ...]:
            if broken:
                told = (f"{host.name} was locked by {held.words()}" for host, held in broken)
                await _note_unlock(notebook, f"it had expired: {'; '.join(told)}")
            return await work(turn)

        sides = await holding(places, wish, locked)
    return _result(spec, places, sides, (clock.now() - began).total_seconds())


async def _note_unlock(notebook: Notebook, reason: str) -> None:
    nothing = Checked(wanted=Wanted(version="", images={}))
    entry = notebook.entry(DeliveryOutcome.SUCCEEDED, nothing, replaced=None)
    await notebook.write(replace(entry, event=DeliveryEvent.UNLOCK, reason=reason))


def _result(
    spec: HostsSpec, places: Sequence[Place], sides: Sequence[Side], seconds: float
) -> TargetRollout:
    current = sides[0].current
    return TargetRollout(
        target=spec.name,
        environment=spec.environment,
        kind="compose",
        version="" if current is None else current.release.version,
        images={} if current is None else current.release.images,
        evidence=() if current is None else current.release.evidence,
        hosts=tuple(
            HostState(
                host=host.name,
                version=side.version,
                colour=None if side.current is None else side.current.colour,
            )
            for (host, _), side in zip(places, sides, strict=True)
        ),
        duration_s=round(seconds, 1),
    )
