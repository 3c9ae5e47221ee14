"""Garbage collection: the least recently used goes first, what is in use never."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.store.remover import delete
from keelway.engine.store.usage import Part, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from keelway.engine.store.database import Database
    from keelway.engine.store.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How much may stay, in bytes; nothing set means that all that is not in use goes."""

    max_used: int | None = None
    """The store may be this large."""
    min_free: int | None = None
    """This much of the disk should be free."""
    reserved: int = 0
    """This much may always stay."""
    target: int | None = None
    """Once something has to go, the store shrinks to this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What a pruning removed."""

    parts: int
    size: int
    kept: int
    """Bytes that the store still takes."""


def default_policy(root: Path) -> Policy:
    """Return the budget that holds when nobody says another: a part of the disk."""
    disk = os.statvfs(root)
    total = disk.f_frsize * disk.f_blocks
    return Policy(
        max_used=total * 6 // 10,
        min_free=total // 10,
        reserved=min(total // 10, 10 << 30),
        target=total // 2,
    )


def prune(root: Path, workspace: Workspace, database: Database, policy: Policy) -> Freed:
    """Remove what the policy has no room for; deleted before this returns."""
    # Sizes take long to find, and do not change; so they are found before others have to wait.
    with workspace.collecting() as pins:
        usage = Usage(root, database, pins)
    usage.measure()
    sizes = {part.name: part.size for part in usage.parts.values()}
    with workspace.collecting() as pins:
        usage = Usage(root, database, pins)
        for part in usage.parts.values():
            part.size = sizes.get(part.name, 0)
        total = sum(part.size for part in usage.parts.values())
        chosen = _choose(usage.parts.values(), total, _goal(root, total, policy))
        trash = _remove(chosen, workspace, database)
    for path in trash:
        delete(path)
    size = sum(part.size for part in chosen)
    return Freed(parts=len(chosen), size=size, kept=total - size)


def _goal(root: Path, total: int, policy: Policy) -> int:
    """Return how many bytes may stay."""
    if policy.max_used is None and policy.min_free is None and policy.target is None:
        return policy.reserved
    allowed = total if policy.max_used is None else policy.max_used
    if policy.min_free is not None:
        disk = os.statvfs(root)
        free = disk.f_frsize * disk.f_bavail
        allowed = min(allowed, total - max(0, policy.min_free - free))
    if policy.target is not None and (total > allowed or policy.max_used is None):
        allowed = min(allowed, policy.target)
    return max(allowed, policy.reserved)


def _choose(parts: Iterable[Part], total: int, goal: int) -> list[Part]:
    """Return what goes: the least recently used, as much as it takes."""
    chosen: list[Part] = []
    idle = [part for part in parts if not part.active]
    # Of what was used at one time the newest goes first: others were made from the older.
    for part in sorted(idle, key=lambda part: (part.used, -part.created)):
        if total <= goal and (goal or part.size):
            break
        chosen.append(part)
        total -= part.size
    return chosen


def _remove(chosen: list[Part], workspace: Workspace, database: Database) -> list[Path]:
    """Take parts away, with all that is known of them; return what is to be deleted."""
    names = {part.name for part in chosen}
    keys = {key for part in chosen for key in part.results}
    with database.writing() as connection:
        connection.executemany("DELETE FROM results WHERE key = ?", [(key,) for key in keys])
        used = [*names, *("o" + key.hex() for key in keys)]
        connection.executemany("DELETE FROM used WHERE name = ?", [(name,) for name in used])
        gone: list[tuple[str, str]] = [
            (kind, name) for name in names for kind in ("size", "implied")
        ]
        for kind, key, value in connection.execute(
            "SELECT kind, key, value FROM memo WHERE kind IN ('blob', 'host')"
        ):
            record = json.loads(value)
            needs = {key.partition(" ")[0], record["digest"]}
            if names & (needs if kind == "blob" else set(record["layers"])):
                gone.append((kind, key))
        connection.executemany("DELETE FROM memo WHERE kind = ? AND key = ?", gone)
    trash: list[Path] = []
    for part in chosen:
        moved = workspace.bury(part.path)
        if moved is not None:
            trash.append(moved)
    return trash
