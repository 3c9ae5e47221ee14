"""What surrounds every release, promotion, deployment and rollback: hooks, and who is told.

    plan = plan_announcements(config, facts)
    async with announced(plan, speaker, started) as ended:
        ...
        ended.append(entry)      # how it came out; else it is told as failed

Commands before it may stop it; whatever goes wrong afterwards is told, and never raised.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from keelway._stage import SystemClock
from keelway.errors import KeelwayError, redact
from keelway.model.history import DeliveryOutcome
from keelway.model.outcome import Skipped
from keelway.stages.hooks import plan_hooks, run_hooks
from keelway.stages.notify import plan_notify, tell

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from keelway._stage import Clock
    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.events import Observer
    from keelway.model.history import HistoryEntry
    from keelway.model.told import Told
    from keelway.notify.hooks import HooksSpec
    from keelway.notify.spec import NotifySpec
    from keelway.notify.telling import Speaker

_LAST_WORD_S = 120.0
"""What is told when everything is over may take so long in all."""


_NOBODY = Skipped("nobody is to be told")
_NOTHING = Skipped("there are no hooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcements:
    """Who is told, and which commands are run."""

    notify: NotifySpec | Skipped = _NOBODY
    hooks: HooksSpec | Skipped = _NOTHING

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return where the secrets of all who may be told are read."""
        channels = () if isinstance(self.notify, Skipped) else self.notify.channels
        return tuple(source for channel in channels for source in channel.secrets)


def _silent() -> Observer:
    from keelway.model.events import Silent  # noqa: PLC0415 - not for a plan

    return Silent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Herald:
    """Who speaks where there is no run: an observer and a clock."""

    observer: Observer = field(default_factory=_silent)
    clock: Clock = field(default_factory=SystemClock)


def plan_announcements(config: Config, facts: Facts) -> Announcements:
    """Return who is told and which commands are run; nothing at all for untrusted runs."""
    return Announcements(notify=plan_notify(config, facts), hooks=plan_hooks(config, facts))


async def announce_start(run: Speaker, plan: Announcements, entry: HistoryEntry) -> None:
    """Run the commands that stand before it, and tell that it has started.

    Args:
        run: Who hears of it.
        plan: Who is told, and which commands are run.
        entry: What is about to happen; its outcome is `started`.

    Raises:
        ToolError: A command stopped it.
    """
    await run_hooks(run, plan.hooks, entry, before=True)
    await tell(run, plan.notify, entry)


async def announce_end(run: Speaker, plan: Announcements, entry: HistoryEntry) -> Told:
    """Tell how it ended, and run the commands that stand after it; nothing is raised.

    Args:
        run: Who hears of it.
        plan: Who is told, and which commands are run.
        entry: How it ended.
    """
    told = await tell(run, plan.notify, entry)
    await run_hooks(run, plan.hooks, entry, before=False)
    return told


@asynccontextmanager
async def announced(
    run: Speaker, plan: Announcements, started: HistoryEntry
) -> AsyncGenerator[list[HistoryEntry]]:
    """Announce what the block does: before it, and after it however it ends.

    The block appends the entry that tells how it ended. Where it raises without one, it is told as
    failed, with the error's message as the reason; where it is interrupted, likewise.

    Args:
        run: Who hears of it.
        plan: Who is told, and which commands are run.
        started: What is about to happen.

    Raises:
        ToolError: A command stopped it.
    """
    ended: list[HistoryEntry] = []
    try:
        await announce_start(run, plan, started)
        yield ended
    except BaseException as error:
        if not ended:
            ended.append(_failed(run, started, error))
        raise
    finally:
        if ended:
            with anyio.move_on_after(_LAST_WORD_S, shield=True):
                await announce_end(run, plan, ended[-1])


def _failed(run: Speaker, started: HistoryEntry, error: BaseException) -> HistoryEntry:
    reason = error.message if isinstance(error, KeelwayError) else type(error).__name__
    if not isinstance(error, Exception):
        reason = "it was interrupted"
    now = run.clock.now()
    return replace(
        started,
        at=now,
        outcome=DeliveryOutcome.FAILED,
        duration_s=(now - started.at).total_seconds(),
        reason=redact(reason),
    )
