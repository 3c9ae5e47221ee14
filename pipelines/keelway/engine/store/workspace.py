"""A session's own part of the store: work directories, and marks on what it uses.

Each session has `tmp/<session>/` and holds a lock on a file in it for as long as it lives. So a
directory there whose lock can be had belongs to a session that is dead, and goes at the next
open. What a session uses is written to `tmp/<session>/pins` before it is used, under a shared
lock on `gc.lock`; whoever frees space holds that lock alone and spares all that live sessions
have marked.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import threading
import time
import uuid
import zlib
from typing import TYPE_CHECKING

from keelway.engine.store import placement
from keelway.engine.store.remover import Remover

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_CLOSE_S = 2.0
_LOCKS = 64
_PLACES = 8


class Workspace:
    """The directories and locks of one session in a store."""

    def __init__(self, root: Path) -> None:
        """Make this session's directory, and delete those of dead ones in the background."""
        self.root = root
        self._tmp = root / "tmp"
        self._tmp.mkdir(exist_ok=True)
        self._numbers = itertools.count()
        self._remover = Remover()
        self._pinned: set[str] = set()
        self._fresh: list[str] = []
        self._pin_lock = threading.Lock()
        self.uses = 0
        """How many things this session has marked."""
        self.works = 0
        """How many work directories it has made."""
        self.last_use = time.monotonic()
        """When this session last made or marked something."""
        self._closed = False
        self._gc = os.open(root / "gc.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.directory = self._tmp / uuid.uuid4().hex[:16]
        # Nobody looks for dead sessions while this one has a directory and no lock yet.
        with self.alone():
            self.directory.mkdir()
            self._spread = placement.spread(self.directory)
            self._lock = _try_lock(self.directory / "lock")
            (self.directory / "trash").mkdir()
            self._bury_dead()
        self._pins = os.open(
            self.directory / "pins", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )

    def new_work(self, kind: str) -> Path:
        """Return a fresh empty directory that nobody else uses."""
        self.works += 1
        self.last_use = time.monotonic()
        path = self.directory / f"{kind}-{next(self._numbers)}"
        path.mkdir()
        return path

    def new_large_work(self, kind: str) -> Path:
        """Return a fresh empty directory in a place where many files can be made quickly."""
        for _ in range(_PLACES if self._spread else 0):
            path = self.new_work(kind)
            if placement.is_quick(path):
                return path
            path.rmdir()
        return self.new_work(kind)

    def discard(self, path: Path) -> None:
        """Take a file or directory away at once and delete it in the background. Never fails."""
        trash = self.bury(path)
        if trash is not None:
            self._remover.remove(trash)

    def bury(self, path: Path) -> Path | None:
        """Take a file or directory away and return where it is now, to be deleted."""
        trash = self.directory / "trash" / str(next(self._numbers))
        try:
            return path.rename(trash)
        except OSError:
            return None

    def pin(self, name: str) -> None:
        """Mark something as used by this session; it can't be freed until the session ends."""
        if name in self._pinned:
            return
        with self._pin_lock:
            if name in self._pinned:
                return
            fcntl.flock(self._gc, fcntl.LOCK_SH)
            try:
                os.write(self._pins, name.encode() + b"\n")
            finally:
                fcntl.flock(self._gc, fcntl.LOCK_UN)
            self._pinned.add(name)
            self._fresh.append(name)
            self.uses += 1
            self.last_use = time.monotonic()

    def newly_pinned(self) -> list[str]:
        """Return what this session has marked since it was last asked."""
        with self._pin_lock:
            fresh, self._fresh = self._fresh, []
            return fresh

    def let_go(self) -> None:
        """Take all marks back: the session uses nothing any more."""
        with self._pin_lock, self.alone():
            os.ftruncate(self._pins, 0)
            self._pinned.clear()

    @contextlib.contextmanager
    def collecting(self) -> Generator[frozenset[str]]:
        """Keep all sessions from marking more; give what the live ones have marked."""
        with self._pin_lock, self.alone():
            pins = set(self._pinned)
            for path in self._tmp.iterdir():
                lock = None if path == self.directory else _try_lock(path / "lock", create=False)
                if lock is not None:
                    os.close(lock)
                    continue
                with contextlib.suppress(OSError):
                    pins.update((path / "pins").read_text(encoding="utf-8").split("\n"))
            pins.discard("")
            yield frozenset(pins)

    def is_only(self) -> bool:
        """Tell whether no other session lives; to be asked while none can start."""
        for path in self._tmp.iterdir():
            if path == self.directory:
                continue
            lock = _try_lock(path / "lock", create=False)
            if lock is None and (path / "lock").exists():
                return False
            if lock is not None:
                os.close(lock)
        return True

    @contextlib.contextmanager
    def exclusive(self, kind: str, name: str) -> Generator[None]:
        """Keep other threads and processes from doing the thing of this name meanwhile.

        Names of a kind share a small number of locks, so one must not be taken inside another.
        """
        locks = self.root / "locks"
        locks.mkdir(exist_ok=True)
        lock = locks / f"{kind}-{zlib.crc32(name.encode()) % _LOCKS:02x}"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """End the session: its marks and its work directories go."""
        if self._closed:
            return
        self._closed = True
        self._remover.close(_CLOSE_S)
        for name in ("pins", "lock"):
            with contextlib.suppress(OSError):
                (self.directory / name).unlink()
        with contextlib.suppress(OSError):
            (self.directory / "trash").rmdir()
            self.directory.rmdir()
        for descriptor in (self._pins, self._lock, self._gc):
            if descriptor is not None:
                os.close(descriptor)

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """Keep other sessions from starting, and from marking more."""
        fcntl.flock(self._gc, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._gc, fcntl.LOCK_UN)

    def _bury_dead(self) -> None:
        for path in self._tmp.iterdir():
            lock = None if path == self.directory else _try_lock(path / "lock")
            if lock is not None:
                self.discard(path)
                os.close(lock)


def _try_lock(path: Path, *, create: bool = True) -> int | None:
    """Return a descriptor that holds the lock, or None when somebody else has it."""
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
