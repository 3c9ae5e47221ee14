"""How much memory an engine takes: its own processes, not what it runs for others."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE_S = 0.1


class Memory:
    """Looks at the memory of a process and its children, and keeps the highest sum."""

    def __init__(self, pid: int) -> None:
        """Watch the engine that a process is the outermost of."""
        self._pid = pid
        self._stopped = threading.Event()
        self.peak_mib = 0

    def watch(self) -> None:
        """Look until `stop`."""
        while not self._stopped.wait(PAUSE_S):
            self.peak_mib = max(self.peak_mib, _proportional_kib(self._pid) // 1024)

    def stop(self) -> None:
        """End `watch`."""
        self._stopped.set()


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Memory]:
    """Watch an engine's memory for the time of the block."""
    memory = Memory(pid)
    thread = threading.Thread(target=memory.watch)
    thread.start()
    try:
        yield memory
    finally:
        memory.stop()
        thread.join()


def _proportional_kib(pid: int) -> int:
    """Return what a process and its children take; what they share counts once (`Pss`)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        program = Path(f"/proc/{pid}/cmdline").read_bytes()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = 0
    if b"keelway" in program or b"initd" in program or program.startswith(b"init"):
        own = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own + sum(_proportional_kib(int(child)) for child in children)
