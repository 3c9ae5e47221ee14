"""Into the isolation without namespaces: an engine whose processes end with it all the same.

Two processes: the outer one passes signals on, waits, and adopts whatever is left by others that
were killed; the engine is its child and is killed with it. Each command's parent watches the engine
(`chroot_launch.py`). So whichever of them is killed, no process of a command goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run import kernel
from keelway.engine.run.chroot_launch import end_all
from keelway.engine.run.enter import (
    Sandbox,
    demand_one_thread,
    die_with_parent,
    exit_with,
    wait_and_forward,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_STATE: Final = Path("/dev/shm")  # noqa: S108 - a directory of our own in it
_PREFIX: Final = "keelway-engine-"
_TMPFS: Final = "tmpfs"
_SUBREAPER: Final = 36

WARNING: Final = (
    "keelway-engine: SECOND-CLASS ISOLATION (chroot): commands have neither mounts nor namespaces "
    "here. They are kept to their own root directory by chroot only: they share this "
    "container's network, hostname and process ids, can end every process in it, and root "
    "among them can leave the chroot. Run nothing here that you would not run in this container. "
    "Not enforced: read-only mounts (writes are dropped), sizes of temp mounts, "
    "network=none. Not there: insecureRootCapabilities, {proc}two services on one port of all "
    "addresses. Each base is copied once a chain. KEELWAY_ENGINE_ISOLATION=namespace refuses this."
    "\nkeelway-engine: it is so since {reason}\n"
)
"""Told at each start: nobody should take this for the real thing."""
WITHOUT_PROC: Final = "/proc and /sys (KEELWAY_ENGINE_PROC=proot gives them, slowly), "
WITH_PROOT: Final = "a change of user inside a command (proot traces it), "


def enter_chroot(child: Callable[[Sandbox], int], *, reason: str) -> int:
    """Run the child and return its exit code, 128+n for a signal; nothing it started outlives it.

    The reason why there is nothing better is for the warning.

    Raises:
        EngineError: This is not root, or there is no tmpfs for what must not be on a disk.
    """
    demand_one_thread()
    if os.geteuid() != 0:
        raise EngineError(
            "isolation chroot is for root in a container: set KEELWAY_ENGINE_ISOLATION=namespace, "
            "which serves ordinary users"
        )
    state = _make_state()
    alive, tied = os.pipe()
    kernel.prctl(_SUBREAPER, 1)
    pid = os.fork()
    if pid == 0:
        os.close(tied)
        exit_with(lambda: _serve(child, alive, state, reason))
    os.close(alive)
    try:
        return wait_and_forward(pid)
    finally:
        os.close(tied)
        end_all()
        shutil.rmtree(state, ignore_errors=True)


def _serve(child: Callable[[Sandbox], int], alive: int, state: Path, reason: str) -> int:
    die_with_parent(alive)
    os.setsid()  # a terminal's signals come by way of the outer process, once
    return child(Sandbox(state_dir=state, rootless=False, isolation="chroot", reason=reason))


def _make_state() -> Path:
    """Return a new directory on a tmpfs, and remove those of engines that were killed."""
    if _file_system(_STATE) != _TMPFS:
        raise EngineError(
            f"isolation chroot keeps secrets in {_STATE}, which is no tmpfs here: mount one there"
        )
    for old in _STATE.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(old, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(old, ignore_errors=True)
            finally:
                os.close(descriptor)
    state = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_STATE))
    # Never closed: held by this process and the engine, for as long as one of them lives.
    fcntl.flock(os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), fcntl.LOCK_EX)
    return state


def _file_system(path: Path) -> str | None:
    """Return the type of the file system that is mounted at a path."""
    found = None
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[1] == str(path):
            found = fields[2]
    return found


def warn(sandbox: Sandbox, proc: str) -> None:
    """Say on standard error what is not isolated, and why."""
    missing = WITH_PROOT if proc == "proot" else WITHOUT_PROC
    sys.stderr.write(WARNING.format(proc=missing, reason=sandbox.reason))
