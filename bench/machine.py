"""The machine that is measured on, and how much of it somebody else is using."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import time

BLOCK = bytes(1 << 20)
BLOCKS = 20


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


def described() -> dict[str, object]:
    """Return what makes figures of this machine differ from another's."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
