"""A release brought to the hosts of a target, or taken back from them: the order of everything.

`deploy` and `go_back_to` read as what happens. Nothing is changed before all hosts were looked at;
the first host goes alone; whatever fails, every host that was touched goes back.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import anyio

from keelway._together import each
from keelway.deploy.carrying import carry, write
from keelway.deploy.choosing import choose, strategy_name
from keelway.deploy.failing import not_deployed
from keelway.deploy.journal import Journal, JournalDocument, Phase
from keelway.deploy.moves import discard
from keelway.deploy.preflight import preflight
from keelway.deploy.release import Live, Release, release_id
from keelway.deploy.repair import repair
from keelway.deploy.side import record
from keelway.deploy.site import Placed
from keelway.deploy.unchanged import is_unchanged
from keelway.errors import KeelwayError
from keelway.model.history import DeliveryOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keelway.deploy.side import Side
    from keelway.deploy.target import Checked
    from keelway.deploy.turn import Turn, Working


async def deploy(turn: Turn, checked: Checked) -> tuple[Side, ...]:
    """Return the hosts, which are locked, after a release was brought to all of them.

    Args:
        turn: The run.
        checked: The release, which verified.

    Raises:
        DeployError: It failed; what ran before runs again, on all hosts.
        RollbackError: That failed too, or must not be done unasked: a person is needed.
        HostError: A host could not be reached, before anything was changed.
    """
    sides = await repair(turn, await turn.look())
    if await is_unchanged(turn, sides, checked):
        return await _left(turn, sides, checked)
    await preflight(turn, sides)
    now = turn.clock.now()
    release = Release(
        id=release_id(now, turn.task.run),
        version=checked.wanted.version,
        images=dict(checked.images),
        evidence=checked.evidence,
        made_at=now,
        parts=turn.kit.parts,
        frozen=turn.task.freeze,
    )
    await write(turn, DeliveryOutcome.STARTED, release, sides)
    workings = await _prepared(turn, sides, release, _put)
    return await carry(turn, sides, release, workings)


async def _left(turn: Turn, sides: tuple[Side, ...], checked: Checked) -> tuple[Side, ...]:
    """Write down that the release was verified, runs already, and was left as it is."""
    turn.task.tell(f"{checked.wanted.version} runs already, unchanged and well: nothing to do")
    entry = turn.notebook.entry(DeliveryOutcome.SUCCEEDED, checked, replaced=sides[0].version)
    reasons = [one for one in (entry.reason, "it ran already, unchanged") if one]
    await turn.notebook.write(dataclasses.replace(entry, reason="; ".join(reasons)))
    return sides


async def go_back_to(turn: Turn, version: str | None) -> tuple[Side, ...]:
    """Return the hosts, which are locked, after all went back to a release that they keep.

    What was cut off is undone first; where no version is named, that was it.

    Args:
        turn: The run.
        version: Or a release's id; without one, the release before the one that runs.

    Raises:
        PlanError: There is no such release on all hosts, or one since then is frozen.
        DeployError: It failed; what ran before runs again.
        RollbackError: That failed too: a person is needed.
        HostError: A host could not be reached.
    """
    found = await turn.look()
    sides = await repair(turn, found)
    if sides is not found and version is None:
        return sides
    release = choose(sides, version, turn.spec.name, turn.task)
    await write(turn, DeliveryOutcome.STARTED, release, sides)
    workings = await _prepared(turn, sides, release, _fetched)
    return await carry(turn, sides, release, workings)


async def _prepared(
    turn: Turn,
    sides: Sequence[Side],
    release: Release,
    prepare: Callable[[Turn, Release, Working], Awaitable[None]],
) -> list[Working]:
    """Get all hosts ready for a release; what runs is not touched."""
    workings: list[Working] = []

    async def begin(side: Side) -> None:
        workings.append(await _begun(turn, side, release))

    try:
        await each(begin, sides)
        workings.sort(key=lambda one: [side.host for side in sides].index(one.site.host))
        await each(partial(prepare, turn, release), workings, limit=turn.spec.side_by_side)
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            await _dropped(workings)
            reason = error.message if isinstance(error, KeelwayError) else "it was stopped"
            await write(turn, DeliveryOutcome.FAILED, release, sides, reason)
        if isinstance(error, KeelwayError):
            raise not_deployed(release, error) from error
        raise
    return workings


async def _begun(turn: Turn, side: Side, release: Release) -> Working:
    """Write down on a host what is to come."""
    before = None if side.current is None else side.current.live
    name = strategy_name(release, turn.kit.strategy_name)
    colour = turn.strategy(name, side).colour(before)
    live = Live(release=release.id, colour=colour, strategy=name)
    document = JournalDocument(
        rollout=turn.task.run,
        event=turn.task.event,
        strategy=name,
        version=release.version,
        wanted=live,
        previous=before,
        who=turn.task.actor.who,
        run_url=turn.task.actor.run_url,
        started_at=turn.clock.now(),
    )
    journal = Journal(side.host, side.layout, document)
    await journal.enter(Phase.PREPARING)
    return turn.working(side, journal, Placed(release=release, live=live), side.current)


async def _put(turn: Turn, release: Release, working: Working) -> None:
    site = working.site
    site.tell(f"preparing {release.version}")
    await turn.kit.put(site, release)
    await record(site.host, site.layout, release)


async def _fetched(turn: Turn, release: Release, working: Working) -> None:
    """Bring the images of a kept release again, should somebody have removed them."""
    del release
    working.site.tell(f"preparing {working.site.wanted.release.version}")
    await turn.kit.fetch(working.site)


async def _dropped(workings: Sequence[Working]) -> None:
    """Remove what was prepared; where a host is lost, the next run does it."""
    for working in workings:
        site = working.site
        try:
            await discard(site.host, site.layout, site.journal)
        except KeelwayError as error:
            site.tell(f"what was prepared stays there: {error.message}")
