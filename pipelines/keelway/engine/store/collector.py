"""Garbage collection by itself: the store is kept under its budget, and nobody waits for it.

A pass runs while the session is at rest, so that neither its start nor its answers wait; one that
never rests gets a pass now and then all the same. At its end a session frees what it held, and
makes room once more if it has made anything since. What one pass found is written down, with the
free space of the disk then: as long as that says that there is room, sessions that make nothing
need not look.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.prune import take
from keelway.engine.store.remover import delete

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from keelway.engine.policy import Policy
    from keelway.engine.store.database import Database
    from keelway.engine.store.workspace import Workspace

_AT_FIRST_S = 3.0
"""A session is given this long before anything is looked for."""
_REST_S = 1.0
"""A session that has used nothing for so long is at rest."""
_AGAIN_S = 60.0
_WITHOUT_REST_S = 300.0
_OLD_S = 3600.0
"""What another session found is believed for so long."""


class Collector:
    """Keeps a store under a budget for as long as a session lives."""

    def __init__(
        self, root: Path, workspace: Workspace, database: Database, policy: Policy
    ) -> None:
        """Start to watch; the first pass comes later, in a thread of its own."""
        self._root = root
        self._workspace = workspace
        self._database = database
        self._policy = policy
        self._looked_at = 0
        """Works of this session that the last look has seen."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the session's part: called when it uses nothing any more, and has let go of all."""
        self._stop.set()
        self._thread.join()
        with suppress(EngineError, OSError, sqlite3.Error):  # the next session tries again
            if self._workspace.works > self._looked_at or self._has_outgrown():
                self._pass()

    def _run(self) -> None:
        done_at: float | None = None
        seen = -1
        started = time.monotonic()
        while not self._stop.wait(_AT_FIRST_S if seen < 0 else _REST_S):
            current = time.monotonic()
            waited = current - (started if done_at is None else done_at)
            rests = current - self._workspace.last_use >= _REST_S
            if not (rests or waited >= _WITHOUT_REST_S):
                seen = max(seen, 0)
                continue
            if done_at is not None and (waited < _AGAIN_S or self._workspace.uses == seen):
                continue
            seen, done_at = self._workspace.uses, current
            # A fault of the disk is told by whoever needs it; here it only means no room is made.
            with suppress(EngineError, OSError, sqlite3.Error):
                if self._is_worth_it():
                    self._pass()

    def _is_worth_it(self) -> bool:
        """Tell whether the store may have grown since somebody last looked, or that is long ago."""
        found = self._found()
        if found is None or not 0 <= time.time() - found["time"] < _OLD_S:
            return True
        return self._workspace.uses > 0 or self._has_outgrown()

    def _has_outgrown(self) -> bool:
        """Guess from the disk's free space whether the store has grown out of its budget."""
        found = self._found()
        if found is None:
            return True
        total = int(found["total"] + max(0, found["free"] - _free(self._root)))
        return total > self._policy.room(self._root, total)

    def _found(self) -> dict[str, float] | None:
        text = self._database.memo("gc", "")
        return None if text is None else json.loads(text)

    def _pass(self) -> None:
        """Make room, unless somebody else does at this moment."""
        with _alone(self._root / "gc.pass") as mine:
            if not mine:
                return
            self._looked_at = self._workspace.works
            taken = take(self._root, self._workspace, self._database, self._policy)
            for path in taken.trash:
                if self._stop.is_set():
                    self._workspace.discard(path)  # as far as the end of the session allows
                else:
                    delete(path)
            found = {"total": taken.freed.kept, "free": _free(self._root), "time": time.time()}
            self._database.remember("gc", "", json.dumps(found))


def _free(root: Path) -> int:
    disk = os.statvfs(root)
    return disk.f_frsize * disk.f_bavail


@contextmanager
def _alone(path: Path) -> Generator[bool]:
    """Give whether nobody else, in any process, is in such a block."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)
