"""The experiments of a target, one after the other on each of its hosts, which are locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.config.fault_checks import DEGRADED_STATUS, DURATION_S
from keelway.deploy.faults import hurt
from keelway.deploy.lock import Holder, Wish, holding, new_token
from keelway.deploy.opening import open_hosts
from keelway.deploy.runtime import find_runtime
from keelway.deploy.side import look_at
from keelway.faults.spec import Disturbance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keelway._stage import Clock
    from keelway.config.deploy_faults import DeployFaultConfig
    from keelway.deploy.faults import DeployedFault
    from keelway.deploy.lock import Broken, Place
    from keelway.deploy.opening import ReadSecret
    from keelway.deploy.target import HostsSpec
    from keelway.model.history import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbing:
    """Who does it, and who hears of it."""

    actor: Actor
    tell: Callable[[str], None]
    """Takes one line about the progress."""
    clock: Clock
    lock_wait_s: float = 0


def plan_disturbances(faults: Iterable[DeployFaultConfig]) -> tuple[Disturbance, ...]:
    """Return what is done, from what was written. Pure."""
    return tuple(
        Disturbance(
            name=one.name,
            service=one.service,
            fault=one.fault,
            probe=one.probe,
            expect=one.expect,
            duration_s=0.0 if one.fault == "restart" else one.duration_s or DURATION_S,
            status=one.status,
            degraded_status=one.degraded_status or DEGRADED_STATUS,
            unaffected=one.unaffected,
            probe_timeout_s=one.probe_timeout_s,
            recovers_within_s=one.recovers_within_s,
        )
        for one in faults
    )


async def hurt_target(
    spec: HostsSpec, faults: Sequence[Disturbance], by: Disturbing, read: ReadSecret
) -> tuple[DeployedFault, ...]:
    """Return what came of all experiments; nobody deploys there meanwhile.

    Args:
        spec: The target.
        faults: The experiments, in order.
        by: Who does it.
        read: Reads secrets of the logins.

    Raises:
        LockedError: Somebody deploys there.
        HostError: A host is lost, or was never deployed to.
    """
    holder = Holder(
        token=new_token(),
        who=by.actor.who,
        where=by.actor.where,
        doing="hurting services on purpose",
        run_url=by.actor.run_url,
        since=by.clock.now(),
        expires_s=spec.lock_expires_s,
    )
    wish = Wish(holder=holder, target=spec.name, wait_s=by.lock_wait_s, tell=by.tell)

    async def work(_: Broken) -> tuple[DeployedFault, ...]:
        found = [await _on_host(spec, place, faults, by) for place in places]
        return tuple(one for some in found for one in some)

    async with open_hosts(spec, read) as places:
        return await holding(places, wish, work)


async def _on_host(
    spec: HostsSpec, place: Place, faults: Sequence[Disturbance], by: Disturbing
) -> list[DeployedFault]:
    host, layout = place
    runtime = await find_runtime(host, spec.runtime)
    side = await look_at(host, layout, runtime)
    found: list[DeployedFault] = []
    for fault in faults:
        by.tell(f"{host.name}: {fault.name}: {fault.done}")
        found.append(await hurt(side, fault, runtime.engine.name))
        by.tell(f"{host.name}: {found[-1].result.told}")
    return found
