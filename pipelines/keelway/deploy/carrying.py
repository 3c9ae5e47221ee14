"""A prepared release carried through on all hosts, or undone on all that were touched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio

from keelway._together import each
from keelway.deploy.failing import Failed, frozen_error, lost_error, rollback_error, undone_error
from keelway.deploy.journal import Phase
from keelway.deploy.moves import bring, commit, discard, go_back, settle
from keelway.deploy.side import drop, kept_releases
from keelway.deploy.target import Checked
from keelway.errors import InconclusiveError, KeelwayError
from keelway.model.history import DeliveryOutcome
from keelway.model.rollout import Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keelway.deploy.release import Release
    from keelway.deploy.side import Side
    from keelway.deploy.turn import Turn, Working

T = TypeVar("T")

_TOUCHED = frozenset({Phase.BRINGING, Phase.BROUGHT, Phase.BACK})


async def carry(
    turn: Turn, sides: Sequence[Side], release: Release, workings: Sequence[Working]
) -> tuple[Side, ...]:
    """Bring a release to host after host: all of them have it in the end, or none.

    Raises:
        DeployError: It failed; what ran before runs again.
        RollbackError: That failed too, or must not be done unasked.
        InconclusiveError: Nobody can tell whether it is good: all stays as it is, journals too, so
            that `keelway rollback` and the next deployment undo it.
        StageError: It serves, but not everything was tidied up.
    """
    try:
        await bring(workings[0])
        await each(bring, workings[1:], limit=turn.spec.side_by_side)
    except InconclusiveError as error:
        await _shielded(partial(_pause, turn, sides, release, workings, error))
        raise
    except BaseException as error:
        # Whatever stops us, a signal too: the old version is to serve again.
        failure = await _shielded(partial(_undo, turn, sides, release, workings, error))
        if isinstance(error, Exception):
            raise failure from error
        raise
    return await _go_through(turn, sides, release, workings)


async def _go_through(
    turn: Turn, sides: Sequence[Side], release: Release, workings: Sequence[Working]
) -> tuple[Side, ...]:
    """Write down that the new version runs, and tidy up."""
    failed = await _shielded(partial(_every, commit, workings))
    reason = f"but {failed[0].error.message}" if failed else None
    await _shielded(partial(write, turn, DeliveryOutcome.SUCCEEDED, release, sides, reason))
    failed += await _every(settle, workings)
    failed += await _every(partial(_prune, turn), workings)
    if failed:
        raise lost_error(turn.spec.name, release, failed)
    return await turn.look()


async def _pause(
    turn: Turn,
    sides: Sequence[Side],
    release: Release,
    workings: Sequence[Working],
    error: InconclusiveError,
) -> None:
    """Leave all as it is for a person to decide, and write that down."""
    untouched = [one for one in workings if one.site.journal.document.phase not in _TOUCHED]
    await _every(_discard, untouched)
    await write(turn, DeliveryOutcome.INCONCLUSIVE, release, sides, error.message)
    name = turn.spec.name
    error.add_note(f"the old version is brought back by `keelway rollback {name}`; `keelway deploy")
    error.add_note(f"{release.version} --to {name} --now` takes the new one without the analysis")


async def _undo(
    turn: Turn,
    sides: Sequence[Side],
    release: Release,
    workings: Sequence[Working],
    error: BaseException,
) -> KeelwayError:
    """Go back on all hosts that were touched, write down how that went, and return the error."""
    reason = error.message if isinstance(error, KeelwayError) else "it was stopped"
    touched = [one for one in workings if one.site.journal.document.phase in _TOUCHED]
    untouched = [one for one in workings if one not in touched]
    if release.frozen is not None and not turn.task.force:
        await _every(_discard, untouched)
        text = f"{reason}; it is frozen, and was not undone: {release.frozen}"
        await write(turn, DeliveryOutcome.FAILED, release, sides, text)
        return frozen_error(turn.spec.name, release, error)
    turn.task.tell(f"{release.version} failed: going back on {len(touched)} of {len(workings)}")
    failed = await _every(go_back, touched)
    if failed:
        told = "; ".join(f"{one.host}: {one.error.message}" for one in failed)
        text = f"{reason}; and going back failed: {told}"
        await write(turn, DeliveryOutcome.FAILED, release, sides, text)
        stuck = [one.working for one in failed]
        await _every(_discard, [one for one in workings if one not in stuck])
        return rollback_error(turn.spec.name, release, error, failed)
    await write(turn, DeliveryOutcome.ROLLED_BACK, release, sides, reason)
    for one in await _every(_discard, workings):
        turn.task.tell(f"{one.host}: what was prepared stays there: {one.error.message}")
    return undone_error(release, sides, error)


async def _shielded(work: Callable[[], Awaitable[T]]) -> T:
    """Do something to its end, whatever else is stopped meanwhile."""
    with anyio.CancelScope(shield=True):
        return await work()
    raise AssertionError("a shield lets nothing stop it")


async def _discard(working: Working) -> None:
    site = working.site
    await discard(site.host, site.layout, site.journal)


async def _prune(turn: Turn, working: Working) -> None:
    """Remove the oldest releases that nobody is to go back to any more."""
    site = working.site
    kept = await kept_releases(site.host, site.layout)
    needed = {one.release.id for one in (site.wanted, site.current) if one is not None}
    others = [one for one in kept if one.id not in needed]
    too_many = len(kept) - turn.spec.keep_releases
    for release in others[: max(too_many, 0)]:
        await drop(site.host, site.layout, release.id)


async def _every(
    move: Callable[[Working], Awaitable[None]], workings: Sequence[Working]
) -> list[Failed]:
    """Do something on each host side by side, whatever happens on the others."""
    failed: list[Failed] = []

    async def one(working: Working) -> None:
        try:
            await move(working)
        except KeelwayError as error:
            failed.append(Failed(working=working, error=error))

    await each(one, workings, limit=max(len(workings), 1))
    return failed


async def write(
    turn: Turn,
    outcome: DeliveryOutcome,
    release: Release,
    sides: Sequence[Side],
    reason: str | None = None,
) -> None:
    """Write down on all hosts how it stands."""
    wanted = Wanted(version=release.version, images=release.images)
    checked = Checked(wanted=wanted, evidence=release.evidence)
    entry = turn.notebook.entry(outcome, checked, replaced=sides[0].version)
    reasons = [one for one in (entry.reason, reason) if one]
    await turn.notebook.write(replace(entry, reason="; ".join(reasons) or None))
