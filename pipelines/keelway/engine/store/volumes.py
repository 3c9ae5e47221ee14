"""Cache volumes: directories that outlive operations and sessions, by identity."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from keelway.engine.store.workspace import Workspace

_POLL_S = 0.02


class Cancelled(Exception):  # noqa: N818 - says what happened
    """Whoever waited for a volume no longer wants it."""


class Volumes:
    """The cache volumes of a store."""

    def __init__(self, root: Path, workspace: Workspace) -> None:
        """Use `root/volumes`."""
        self.root = root / "volumes"
        self.root.mkdir(exist_ok=True)
        self._workspace = workspace
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def path(self, identity: str) -> Path:
        """Return the directory of a volume; a new one is empty, 0755, owned by root."""
        return self.seed(identity, lambda _: None)

    def seed(self, identity: str, fill: Callable[[Path], object]) -> Path:
        """Return the directory of a volume; a new one has what `fill` writes into it.

        `fill` may change the owner and mode of the directory as well.
        """
        name = _name(identity)
        data = self.root / name / "data"
        self._workspace.pin("v" + name)
        if not data.is_dir():
            with self._workspace.exclusive("volumes", name):
                if not data.is_dir():
                    self._make(identity, data, fill)
        os.utime(self.root / name)
        return data

    def named(self, key: str) -> list[str]:
        """Return the identities of the volumes of a name that are here and hold something."""
        found: list[str] = []
        for folder in self.root.iterdir():
            with contextlib.suppress(OSError):
                identity = (folder / "identity").read_text(encoding="utf-8")
                # Owner, sharing and first contents make it another volume of the same name.
                if identity.startswith(f"({key!r}, ") and any((folder / "data").iterdir()):
                    found.append(identity)
        return sorted(found)

    def has(self, identity: str) -> bool:
        """Tell whether a volume is here."""
        return (self.root / _name(identity) / "data").is_dir()

    @contextlib.contextmanager
    def lock(
        self, identity: str, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Generator[None]:
        """Have a volume alone, among threads and processes, for the time of the block.

        Raises:
            Cancelled: `cancelled` said so while this waited.
        """
        name = _name(identity)
        # The lock is there before the volume: whoever has it may be the one who seeds.
        self._workspace.pin("v" + name)
        (self.root / name).mkdir(exist_ok=True)
        with self._lock:
            mine = self._locks.setdefault(name, threading.Lock())
        while not mine.acquire(timeout=_POLL_S):
            if cancelled():
                raise Cancelled(identity)
        try:
            descriptor = os.open(
                self.root / name / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                while not _locked(descriptor):
                    if cancelled():
                        raise Cancelled(identity)
                    time.sleep(_POLL_S)
                yield
            finally:
                os.close(descriptor)
        finally:
            mine.release()

    def _make(self, identity: str, data: Path, fill: Callable[[Path], object]) -> None:
        work = self._workspace.new_work("volume")
        try:
            made = work / "data"
            made.mkdir()
            made.chmod(0o755)
            fill(made)
            data.parent.mkdir(exist_ok=True)
            (data.parent / "identity").write_text(identity, encoding="utf-8")
            made.rename(data)
        finally:
            self._workspace.discard(work)


def _name(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
