"""The machine that is measured on, and how much of it somebody else is using."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import time
from pathlib import Path
from typing import NamedTuple, Self

BLOCK = bytes(1 << 20)
BLOCKS = 20
PAUSE_S = 0.5
BUSY_SHARE = 0.1
"""A machine of which others take more than this share is no place to measure on."""
USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL = range(8)


class Processors(NamedTuple):
    """Seconds of all processors since the machine started, by /proc/stat."""

    busy: float
    idle: float
    waiting: float
    """Idle, and something waits for a disk."""

    @classmethod
    def now(cls) -> Self:
        """Return them as they are; what a hypervisor gave to others counts as busy."""
        line = Path("/proc/stat").read_text().partition("\n")[0]
        ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in line.split()[1:9]]
        idle, waiting = ticks[IDLE], ticks[IOWAIT]
        return cls(busy=sum(ticks) - idle - waiting, idle=idle, waiting=waiting)

    def since(self, before: Processors) -> Processors:
        """Return what was added after another look."""
        return Processors(*(max(0.0, one - two) for one, two in zip(self, before, strict=True)))

    @property
    def idle_share(self) -> float:
        """How much of the time they had nothing to do, or waited for a disk."""
        free = self.idle + self.waiting
        return free / (self.busy + free) if self.busy + free else 1.0


def taken_by_others(seconds: float = PAUSE_S) -> float:
    """Return the share of the processors that is in use while this program only waits."""
    before = Processors.now()
    time.sleep(seconds)
    return 1 - Processors.now().since(before).idle_share


def calibrate() -> float:
    """Return the seconds of a fixed piece of work: more than usual when others use the machine."""
    started = time.perf_counter()
    for _ in range(BLOCKS):
        hashlib.sha256(BLOCK).digest()
    return time.perf_counter() - started


def children_cpu() -> float:
    """Return the seconds that processes started from here, and theirs, took of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def described(folder: Path | None = None) -> dict[str, object]:
    """Return what makes figures of this machine differ from another's; `folder` is on the disk."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "disk": _disk(folder or Path.cwd()),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.machine())


def _disk(folder: Path) -> str:
    """Return the kind of file system of a folder, its device and its size."""
    at, kind, device = max(
        (fields[4], after[0], after[1])
        for fields, after in map(_mount, Path("/proc/self/mountinfo").read_text().splitlines())
        if folder.resolve().is_relative_to(fields[4])
    )
    size = os.statvfs(at)
    return f"{kind} on {Path(device).name}, {size.f_frsize * size.f_blocks / 1e9:.0f} GB"


def _mount(line: str) -> tuple[list[str], list[str]]:
    before, _, after = line.partition(" - ")
    return before.split(), after.split()
