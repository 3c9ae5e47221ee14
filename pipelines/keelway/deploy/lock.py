"""One deployment at a time: a folder on each host that is there as long as somebody works.

It names its holder. Whoever holds it gives a sign of life now and then, by the host's own clock;
where none has come for long, whoever held it is dead and the lock counts no more.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
from pydantic import BaseModel, ValidationError

from keelway.deploy.host import STAGE, Host, HostError
from keelway.deploy.release import KEPT
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keelway.deploy.layout import Layout

T = TypeVar("T")

BEAT_S = 20.0
"""Between two signs of life."""
POLL_S = 2.0
"""Between two looks at a lock that is waited for."""

_TAKEN = 17
_NOT_OURS = 18

_TAKE = """\
umask 077
[ -d "$1" ] || mkdir -p -- "$1" || exit 1
mkdir -- "$1/lock" 2>/dev/null || { [ -d "$1/lock" ] && exit 17; mkdir -- "$1/lock"; exit 1; }
cat > "$1/lock/holder.json" || { rm -rf -- "$1/lock"; exit 1; }
"""
_LOOK = """\
[ -d "$1/lock" ] || exit 17
at=$(stat -c %Y -- "$1/lock/holder.json" 2>/dev/null || stat -c %Y -- "$1/lock") || exit 17
echo $(($(date +%s) - at))
cat -- "$1/lock/holder.json" 2>/dev/null || :
"""
_BEAT = 'grep -qF -- "$2" "$1/lock/holder.json" 2>/dev/null || exit 18; touch "$1/lock/holder.json"'
_FREE = 'grep -qF -- "$2" "$1/lock/holder.json" 2>/dev/null || exit 18; rm -rf -- "$1/lock"'
# Moved first: of two who break it at once one finds nothing, and a new holder's is put back.
_BREAK = """\
set -u
away="$1/lock.broken.$$"
mv -- "$1/lock" "$away" 2>/dev/null || exit 17
if [ -n "$2" ] && ! grep -qF -- "$2" "$away/holder.json" 2>/dev/null; then
  mv -- "$away" "$1/lock"
  exit 18
fi
rm -rf -- "$away"
"""


class Holder(BaseModel):
    """Who has the lock: `lock/holder.json`."""

    model_config = KEPT

    token: str
    """Tells this one from any other."""
    who: str
    where: str
    doing: str
    """In words: `deploying v1.2.0`."""
    run_url: str | None = None
    since: datetime
    """By the clock of whoever holds it."""
    expires_s: float
    """Seconds without a sign of life after which it counts no more."""


def new_token() -> str:
    """Return what no other holder has."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lock that is there."""

    holder: Holder | None
    """Nothing where whoever took it was killed before it could say."""
    silent_s: float
    """Seconds since the last sign of life, by the host's clock."""

    @property
    def is_expired(self) -> bool:
        """Return whether whoever held it is dead."""
        limit = BEAT_S * 3 if self.holder is None else self.holder.expires_s
        return self.silent_s > limit

    def words(self) -> str:
        """Return who has it, since when, and where that is seen."""
        silent = f"the last sign of life was {shown_age(self.silent_s)} ago"
        if self.holder is None:
            return f"somebody who did not say who; {silent}"
        since = f"{self.holder.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        link = "" if self.holder.run_url is None else f", {self.holder.run_url}"
        who = f"{self.holder.who} ({self.holder.where}{link})"
        return f"{who}, {self.holder.doing} since {since}; {silent}"


class LockedError(StageError):
    """Somebody else deploys there."""

    def __init__(self, host: str, held: Held, *, target: str) -> None:
        """Keep who it is."""
        limit = held.holder.expires_s if held.holder is not None else BEAT_S * 3
        super().__init__(
            f"{host} is locked by {held.words()}",
            stage=STAGE,
            next_step=f"wait for it (--lock-wait SECONDS); without a sign of life it counts no "
            f"more after {shown_age(limit)}. If whoever it is is gone: "
            f"`keelway unlock {target} --reason ...`",
        )
        self.host = host
        self.held = held


def shown_age(seconds: float) -> str:
    """Return a time for people: `45 s`, `12 min`, `3 h`."""
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"  # noqa: PLR2004 - two hours


async def look(host: Host, layout: Layout) -> Held | None:
    """Return the lock that is there; nothing where nobody works.

    Raises:
        HostError: The host is lost.
    """
    ran = await host.run(("sh", "-c", _LOOK, "look", layout.folder))
    if ran.code:
        return None
    age, _, text = ran.stdout.decode(errors="replace").partition("\n")
    try:
        holder = Holder.model_validate(json.loads(text))
    except (ValidationError, ValueError):
        holder = None
    return Held(holder=holder, silent_s=max(float(age), 0))


async def break_lock(host: Host, layout: Layout, held: Held) -> bool:
    """Remove a lock, if it is still the one that was seen; return whether it was.

    Raises:
        HostError: The host is lost.
    """
    token = "" if held.holder is None else held.holder.token
    return (await host.run(("sh", "-c", _BREAK, "break", layout.folder, token))).code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A lock that is wanted."""

    holder: Holder
    target: str
    wait_s: float = 0
    tell: Callable[[str], None]


Place = tuple["Host", "Layout"]
"""A host, and the target's folder on it."""
Broken = tuple[tuple["Host", Held], ...]
"""Locks of the dead that were taken over."""


async def holding(places: Sequence[Place], wish: Wish, work: Callable[[Broken], Awaitable[T]]) -> T:
    """Return what the work returns, which is done while all hosts are locked.

    Args:
        places: Always locked in the same order, so that two that wait cannot block each other.
        wish: Who wants the locks, and for how long that may be waited for.
        work: Gets the expired locks that were broken, to write them down.

    Raises:
        LockedError: Somebody else has one, also after the time to wait.
        HostError: A host is lost, or the folder cannot be made.
        Exception: What the work raises.
    """
    taken: list[Place] = []
    broken: list[tuple[Host, Held]] = []
    try:
        for place in sorted(places, key=lambda one: (one[0].name, one[1].folder)):
            held = await _take(*place, wish)
            taken.append(place)
            broken += [] if held is None else [(place[0], held)]
        return await _with_beats(taken, wish, partial(work, tuple(broken)))
    finally:
        with anyio.CancelScope(shield=True):
            for host, layout in taken:
                await _free(host, layout, wish)


async def _with_beats(places: Sequence[Place], wish: Wish, work: Callable[[], Awaitable[T]]) -> T:
    results: list[T] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        for host, layout in places:
            group.start_soon(_beat, host, layout, wish.holder.token)
        try:
            results.append(await work())
        except Exception as error:  # noqa: BLE001 - raised below, without an exception group
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
    return results[0]


async def _take(host: Host, layout: Layout, wish: Wish) -> Held | None:
    """Lock a host; return the lock of the dead that was in the way, if any."""
    deadline = anyio.current_time() + wish.wait_s
    broken, told = None, False
    while (held := await _try(host, layout, wish.holder)) is not None:
        if held.is_expired:
            broken = held if await break_lock(host, layout, held) else broken
            continue
        if anyio.current_time() >= deadline:
            raise LockedError(host.name, held, target=wish.target)
        if not told:
            wish.tell(f"{host.name} is locked by {held.words()}; waiting")
            told = True
        await anyio.sleep(min(POLL_S, max(deadline - anyio.current_time(), 0)))
    return broken


async def _try(host: Host, layout: Layout, holder: Holder) -> Held | None:
    """Take the lock; return the one that is in the way, or nothing when it was taken."""
    data = holder.model_dump_json(indent=2).encode()
    held = None
    while held is None:
        ran = await host.run(("sh", "-c", _TAKE, "lock", layout.folder), given=data)
        if ran.code == 0:
            return None
        if ran.code != _TAKEN:
            raise HostError(
                f"{layout.lock} on {host.name} cannot be made", host=host.name, why=ran.complaint
            )
        held = await look(host, layout)
    return held


async def _beat(host: Host, layout: Layout, token: str) -> None:
    """Give signs of life; whoever lost the host, or the lock, will see that by what it does."""
    while True:
        await anyio.sleep(BEAT_S)
        try:
            ran = await host.run(("sh", "-c", _BEAT, "beat", layout.folder, token))
        except HostError:
            continue
        if ran.code == _NOT_OURS:
            return


async def still_ours(host: Host, layout: Layout, holder: Holder) -> None:
    """Return when the lock is still held by this holder.

    Raises:
        HostError: It was broken by somebody meanwhile, or the host is lost.
    """
    ran = await host.run(("sh", "-c", _BEAT, "beat", layout.folder, holder.token))
    if ran.code:
        raise HostError(
            f"the lock on {host.name} was taken away meanwhile",
            host=host.name,
            why="`keelway unlock` was called, or there was no sign of life for too long",
            next_step="`keelway history` tells who did it; deploy again",
        )


async def _free(host: Host, layout: Layout, wish: Wish) -> None:
    """Give the lock back; where the host is lost it expires."""
    try:
        with anyio.move_on_after(30):
            await host.run(("sh", "-c", _FREE, "free", layout.folder, wish.holder.token))
    except HostError as error:
        wish.tell(f"the lock on {host.name} could not be given back: {error.message}")
