"""Garbage collection: the least recently used goes first, what is in use never."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.store.database import now
from keelway.engine.store.remover import delete
from keelway.engine.store.usage import Part, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from keelway.engine.policy import Policy
    from keelway.engine.store.database import Database
    from keelway.engine.store.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What a pruning removed, or would remove."""

    removed: tuple[Part, ...]
    kept: int
    """Bytes that the store still takes."""

    @property
    def parts(self) -> int:
        """How many parts that are."""
        return len(self.removed)

    @property
    def size(self) -> int:
        """How many bytes they take."""
        return sum(part.size for part in self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken away, and where it waits to be deleted."""

    freed: Freed
    trash: list[Path]


def prune(
    root: Path, workspace: Workspace, database: Database, policy: Policy, *, only_look: bool = False
) -> Freed:
    """Remove what the policy has no room for; deleted before this returns.

    With `only_look` nothing is removed; what would be is returned all the same.
    """
    taken = take(root, workspace, database, policy, only_look=only_look)
    for path in taken.trash:
        delete(path)
    return taken.freed


def take(
    root: Path, workspace: Workspace, database: Database, policy: Policy, *, only_look: bool = False
) -> Taken:
    """Take away what the policy has no room for; what that was is still to be deleted.

    Others have to wait only while the things to go are moved, not while they are chosen.
    """
    since = now()
    with workspace.collecting() as pins:
        pass
    usage = Usage(root, database, pins)
    usage.measure()
    parts = usage.parts.values()
    total = sum(part.size for part in parts)
    candidates = [
        part
        for part in parts
        if not part.active and policy.is_about(used=part.used, kind=part.kind)
    ]
    wanted = _choose(candidates, total, policy.room(root, total))
    chosen: list[Part] = wanted if only_look else []
    trash: list[Path] = []
    if wanted and not only_look:
        with workspace.collecting() as pins:
            chosen = [part for part in wanted if not part.is_in_use(pins)]
            trash = _remove(chosen, workspace, database, since)
    kept = total - sum(part.size for part in chosen)
    return Taken(freed=Freed(removed=tuple(chosen), kept=kept), trash=trash)


def _choose(parts: Iterable[Part], total: int, goal: int) -> list[Part]:
    """Return what of these goes: the least recently used, as much as it takes."""
    chosen: list[Part] = []
    # Of what was used at one time the newest goes first: others were made from the older.
    for part in sorted(parts, key=lambda part: (part.used, -part.created)):
        if total <= goal and (goal or part.size):
            break
        chosen.append(part)
        total -= part.size
    return chosen


def _remove(chosen: list[Part], workspace: Workspace, database: Database, since: int) -> list[Path]:
    """Take parts away, with all that is known of them; return what is to be deleted.

    `since` is when the parts were looked at: what was made of them later is not in their list.
    """
    names = {part.name for part in chosen}
    keys = {key for part in chosen for key in part.results}
    with database.writing() as connection:
        for key, layers, blobs in connection.execute(
            "SELECT key, layers, blobs FROM results WHERE created >= ?", (since,)
        ):
            if names & {*layers.split(), *blobs.split()}:
                keys.add(key)
        connection.executemany("DELETE FROM results WHERE key = ?", [(key,) for key in keys])
        used = [*names, *("o" + key.hex() for key in keys)]
        for table in ("used", "uses"):
            connection.executemany(
                f"DELETE FROM {table} WHERE name = ?",  # noqa: S608 - one of these two
                [(name,) for name in used],
            )
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
