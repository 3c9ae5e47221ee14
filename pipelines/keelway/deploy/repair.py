"""What a deployment that was cut off left behind, put right: undone, or where it was through, done.

A new version that served on all hosts is written down on the first of them before it is on the
others. So where one host has it written down, all are to have it; else none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.journal import Journal, Phase, read_journal
from keelway.deploy.moves import commit, discard, go_back, settle
from keelway.deploy.release import Release
from keelway.deploy.side import placed
from keelway.deploy.target import Checked
from keelway.errors import KeelwayError, RollbackError
from keelway.model.history import DeliveryEvent, DeliveryOutcome
from keelway.model.rollout import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.side import Side
    from keelway.deploy.turn import Turn, Working


@dataclass(frozen=True, slots=True)
class _Found:
    """A host with something unfinished."""

    side: Side
    journal: Journal


async def repair(turn: Turn, sides: tuple[Side, ...]) -> tuple[Side, ...]:
    """Return the hosts once nothing is unfinished on them; the very same value if nothing was.

    Raises:
        RollbackError: It cannot be put right, or must not be unasked: a person is needed.
        HostError: A host is lost.
    """
    found = [
        _Found(side, journal)
        for side in sides
        if (journal := await read_journal(side.host, side.layout)) is not None
    ]
    if not found:
        return sides
    for run in dict.fromkeys(one.journal.document.rollout for one in found):
        await _repair_one(
            turn, sides, [one for one in found if one.journal.document.rollout == run]
        )
    return await turn.look()


async def _repair_one(turn: Turn, sides: Sequence[Side], found: Sequence[_Found]) -> None:
    document = found[0].journal.document
    began = f"{document.started_at:%Y-%m-%d %H:%M:%S} UTC"
    what = f"the {document.event} that {document.who} began at {began}"
    release = await _release(found[0])
    forward = any(one.journal.document.phase is Phase.COMMITTED for one in found) or any(
        side.current is not None and side.current.live.release == document.wanted.release
        for side in sides
    )
    turn.task.tell(f"{what} was cut off: {'finishing it' if forward else 'undoing it'}")
    if not forward:
        _ask_about_frozen(turn, found, release)
    try:
        await each(partial(_put_right, turn, forward=forward), found)
    except KeelwayError as error:
        raise _helpless(turn, what, error) from error
    outcome = DeliveryOutcome.SUCCEEDED if forward else DeliveryOutcome.ROLLED_BACK
    if all(one.journal.document.phase is Phase.PREPARING for one in found):
        outcome = DeliveryOutcome.FAILED
    await _write_down(turn, found[0], release, outcome, f"{what} was cut off, and put right later")
    await each(partial(_finish, turn, forward=forward), found)


async def _put_right(turn: Turn, found: _Found, *, forward: bool) -> None:
    if forward:
        await commit(await _working(turn, found))
    elif found.journal.document.phase is not Phase.PREPARING and not await _is_undone(found):
        await go_back(await _working(turn, found))


async def _finish(turn: Turn, found: _Found, *, forward: bool) -> None:
    """Leave nothing to be repaired."""
    if forward:
        await settle(await _working(turn, found))
    else:
        await discard(found.side.host, found.side.layout, found.journal)


async def _is_undone(found: _Found) -> bool:
    """Return whether the new version's folder is gone: the last thing but one that is undone."""
    document = found.journal.document
    return document.event is DeliveryEvent.DEPLOY and await _release(found) is None


async def _working(turn: Turn, found: _Found) -> Working:
    side, document = found.side, found.journal.document
    before = document.previous
    current = None if before is None else await placed(side.host, side.layout, before)
    return turn.working(
        side, found.journal, await placed(side.host, side.layout, document.wanted), current
    )


async def _release(found: _Found) -> Release | None:
    side, wanted = found.side, found.journal.document.wanted
    data = await side.host.read(side.layout.record(wanted.release))
    return None if data is None else Release.model_validate_json(data)


def _ask_about_frozen(turn: Turn, found: Sequence[_Found], release: Release | None) -> None:
    """Refuse to undo a release that changed what the old version cannot work with."""
    phases = {one.journal.document.phase for one in found}
    if release is None or release.frozen is None or turn.task.force:
        return
    if phases <= {Phase.PREPARING, Phase.BACK}:
        return
    raise RollbackError(
        f"{release.version} was cut off on its way, and is frozen: {release.frozen}",
        why="the old version may not be able to work with what it changed",
        next_step=f"look at what runs; to undo it all the same: `keelway rollback "
        f"{turn.spec.name} --force --reason ...`",
    )


def _helpless(turn: Turn, what: str, error: KeelwayError) -> RollbackError:
    failed = RollbackError(
        f"{what} was cut off, and could not be put right",
        why=error.message,
        next_step=f"put right what stands above, then `keelway rollback {turn.spec.name}`: it goes "
        "on from where it stopped",
    )
    for line in error.details():
        failed.add_note(line)
    return failed


async def _write_down(
    turn: Turn, found: _Found, release: Release | None, outcome: DeliveryOutcome, reason: str
) -> None:
    document = found.journal.document
    if release is None:
        wanted = Wanted(version=document.version, images={})
        checked = Checked(wanted=wanted)
    else:
        wanted = Wanted(version=release.version, images=release.images)
        checked = Checked(wanted=wanted, evidence=release.evidence)
    entry = turn.notebook.entry(outcome, checked, replaced=found.side.version)
    await turn.notebook.write(
        replace(entry, event=document.event, run=document.rollout, reason=reason)
    )
