"""What the store holds, and making room in it.

Both look from inside the sandbox: an ordinary user's layers belong to ids that only mean
something in there.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelway.engine.policy import (
    OFF,
    Policy,
    default_policy,
    describe,
    disk_size,
    read_policy,
    with_spaces,
)
from keelway.engine.run.isolation import enter
from keelway.engine.sizes import parse_age, show_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox
    from keelway.engine.settings import Settings
    from keelway.engine.store.prune import Freed
    from keelway.engine.store.usage import Part

_LONGEST = 60
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may stay, as it was written; None where nothing was."""

    everything: bool = False
    max_used: str | None = None
    min_free: str | None = None
    unused_for: str | None = None
    kinds: frozenset[str] = frozenset()

    def policy(self, root: Path, gc: str) -> Policy:
        """Return the policy that this means for a store whose own budget `gc` says.

        Without any size all goes that the rest is about; with nothing at all the usual part of the
        disk may stay.

        Raises:
            EngineError: a size or an age was written that means nothing.
        """
        if self == Budget():
            disk = disk_size(root)
            return read_policy("" if gc == OFF else gc, disk=disk) or default_policy(root)
        since = None
        if self.unused_for is not None:
            since = time.time_ns() - parse_age(self.unused_for) * _NANO
        sizes = {"maxUsedSpace": self.max_used, "minFreeSpace": self.min_free}
        given = {name: text for name, text in sizes.items() if text is not None}
        policy = Policy(unused_since=since, kinds=self.kinds)
        return with_spaces(policy, given, disk=disk_size(root)) if given else policy


def du(settings: Settings, kinds: frozenset[str] = frozenset(), *, as_json: bool = False) -> int:
    """Write what the store holds, the least recently used first, and return the exit code.

    Args:
        settings: Where the store is.
        kinds: Parts of which kinds are shown; empty for all.
        as_json: Whether it is written as data.
    """

    def child(_sandbox: Sandbox) -> int:
        from keelway.engine.store.store import Store  # noqa: PLC0415 - inside the sandbox

        with Store.open(settings.store) as store:
            parts = [part for part in store.du() if not kinds or part.kind in kinds]
        total = sum(part.size for part in parts)
        budget = describe(settings.gc, settings.store)
        if as_json:
            found = {"store": str(settings.store), "size": total, "budget": budget}
            _write_json({**found, "parts": _data(parts)})
        else:
            _write_lines(parts)
            where = f"{_parts(len(parts))} of {settings.store}"
            sys.stdout.write(f"{show_size(total):>10}  in {where}\n")
            sys.stdout.write(f"{'budget':>10}  {budget}\n")
        return 0

    settings.check_store()
    return enter(settings.isolation, child)


def prune(
    settings: Settings, budget: Budget, *, only_look: bool = False, as_json: bool = False
) -> int:
    """Remove what a budget has no room for, say how much that was, and return the exit code.

    Args:
        settings: Where the store is.
        budget: What may stay.
        only_look: Whether nothing is removed, only told.
        as_json: Whether it is written as data.
    """

    def child(_sandbox: Sandbox) -> int:
        from keelway.engine.store.store import Store  # noqa: PLC0415 - inside the sandbox

        with Store.open(settings.store) as store:
            freed = store.prune(budget.policy(settings.store, settings.gc), only_look=only_look)
        if as_json:
            found = {"store": str(settings.store), "size": freed.size, "kept": freed.kept}
            _write_json({**found, "dry_run": only_look, "parts": _data(freed.removed)})
        else:
            _tell_freed(freed, only_look=only_look)
        return 0

    settings.check_store()
    return enter(settings.isolation, child)


def _tell_freed(freed: Freed, *, only_look: bool) -> None:
    if only_look:
        _write_lines(freed.removed)
    verb = "would free" if only_look else "freed"
    size, kept = show_size(freed.size), show_size(freed.kept)
    sys.stdout.write(f"{verb} {size} in {_parts(freed.parts)}, {kept} stay\n")


def _parts(count: int) -> str:
    return f"{count} {'part' if count == 1 else 'parts'}"


def _write_json(found: object) -> None:
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _data(parts: Sequence[Part]) -> list[dict[str, object]]:
    """Return parts for programs: sizes in bytes, times in ISO 8601."""
    return [
        {
            "name": part.name,
            "kind": part.kind,
            "size": part.size,
            "created": _time(part.created).isoformat(),
            "used": _time(part.used).isoformat(),
            "in_use": part.active,
            "description": part.description,
        }
        for part in parts
    ]


def _write_lines(parts: Sequence[Part]) -> None:
    sys.stdout.write("".join(f"{_line(part)}\n" for part in parts))


def _line(part: Part) -> str:
    used = _time(part.used).strftime("%Y-%m-%d %H:%M")
    state = "in use" if part.active else ""
    text = part.description.strip().replace("\n", " ")
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    return f"{show_size(part.size):>10}  {used}  {part.kind:<16} {state:<6} {text}".rstrip()


def _time(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1000 / 1e6, UTC)
