"""What an engine could leave behind on the machine: processes, mounts, interfaces, files."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PROC = Path("/proc")
GIVE_BACK = """
import subprocess, sys
from keelway.engine.run.enter import enter_sandbox

def give_back(_):
    subprocess.run(["chown", "--no-dereference", "--recursive", "0:0", sys.argv[1]])
    return subprocess.run(["chmod", "--recursive", "u+rwX", sys.argv[1]]).returncode

sys.exit(enter_sandbox(give_back))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Everything on this machine that speaks of a marker word, a store for one."""

    processes: frozenset[str]
    mounts: frozenset[str]

    def __bool__(self) -> bool:
        """Return whether there is any trace."""
        return bool(self.processes or self.mounts)


def traces(marker: str) -> Traces:
    """Return the processes with the marker in their command or environment, and its mounts."""
    processes: set[str] = set()
    for folder in PROC.iterdir():
        if folder.name.isdigit() and marker in _text(folder / "cmdline", folder / "environ"):
            processes.add(f"{folder.name} {_text(folder / 'cmdline')}")
    lines = (PROC / "self" / "mounts").read_text().splitlines()
    return Traces(
        processes=frozenset(processes),
        mounts=frozenset(line for line in lines if marker in line),
    )


def give_back(folder: Path) -> None:
    """Make everything in a folder belong to this user, who may not remove others' files."""
    command = [sys.executable, "-c", GIVE_BACK, str(folder)]
    subprocess.run(command, capture_output=True, check=False)


def host_interfaces() -> frozenset[str]:
    """Return the names of the machine's own network interfaces."""
    return frozenset(path.name for path in Path("/sys/class/net").iterdir())


def wait_until(true: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until something is true; return whether it became so."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _text(*paths: Path) -> str:
    """Return files of a process as text; one that has just ended has none."""
    found: list[str] = []
    for path in paths:
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace").replace("\0", " "))
    return "".join(found)
