"""Deletion in the background: nobody waits for discarded work to go."""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH106, PTH108

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SMALL = 200
"""Entries that are deleted in this process; for more, `rm` is faster and leaves the GIL alone."""


class Remover:
    """One thread that deletes the directories it is given."""

    def __init__(self) -> None:
        """Start with no thread; the first deletion makes it."""
        self._queue: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def remove(self, path: Path) -> None:
        """Delete a tree some time soon. Never fails."""
        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="remover", daemon=True)
                self._thread.start()
            self._queue.put(path)

    def close(self, timeout_s: float) -> None:
        """Finish what was given, but wait no longer than this; the next open does the rest."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join(timeout_s)

    def _run(self) -> None:
        while (path := self._queue.get()) is not None:
            delete(path)


def delete(path: Path) -> None:
    """Delete a tree; what can't be deleted stays, since there is nobody to tell."""
    budget = [_SMALL]
    try:
        if _delete(str(path), os.lstat(path).st_dev, budget):
            return
        # Never into something that is mounted here by mistake.
        subprocess.run(
            ["rm", "-rf", "--one-file-system", "--", str(path)],
            check=False,
            stderr=subprocess.DEVNULL,
        )
    except NotADirectoryError:
        with contextlib.suppress(OSError):
            path.unlink()
    except OSError:
        return


def _delete(path: str, device: int, budget: list[int]) -> bool:
    """Delete a tree of at most `budget[0]` entries; say whether all of it is gone."""
    if os.lstat(path).st_dev != device:
        return False
    with os.scandir(path) as found:
        for entry in found:
            budget[0] -= 1
            if budget[0] < 0:
                return False
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
            elif not _delete(entry.path, device, budget):
                return False
    os.rmdir(path)
    return True
