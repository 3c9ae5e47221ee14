"""What a command and all that it starts take of the machine, looked at ten times a second."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.machine import Processors, children_cpu

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EVERY_S = 0.1
ENGINE = "keelway-engine"
PR_SET_CHILD_SUBREAPER = 36
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
SHOWN = 4000


@dataclass(slots=True)
class Watched:
    """What one command took."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    """Seconds of processors, of the command and of all that it started."""
    own_cpu_s: float = 0.0
    """Of them, by the command itself and the engine: not by what they started."""
    idle: float = 0.0
    """The share of the processors' time in which they had nothing to do, or waited for a disk."""
    waiting: float = 0.0
    """The part of it in which something waited for a disk."""
    peak: dict[str, float] = field(default_factory=dict)
    """The most memory (resident, in bytes) of `command`, `engine`, and `all` that ran together."""
    timeline: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start, and the share of the processors that was busy until then."""
    began_ns: int = 0
    """By the clock of the day, as traces tell it."""


def run(words: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> Watched:
    """Run a command to its end, and return what it took.

    Raises:
        RuntimeError: It failed; tells its last words.
    """
    os.sync()  # what was written before must not be paid for now
    cpu = children_cpu()
    with _orphans_come_here():
        there = set(_descendants(os.getpid()))
        watched = Watched(began_ns=time.time_ns())
        first, began = Processors.now(), time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        done = threading.Event()
        looking = threading.Thread(target=_look, args=(watched, child.pid, there, done))
        looking.start()
        try:
            told = child.communicate()[1]
        except BaseException:
            child.terminate()
            done.set()
            raise
        watched.seconds = time.perf_counter() - began
        used = Processors.now().since(first)
        done.set()
        looking.join()
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} failed:\n{told[-SHOWN:]}")
    total = sum(used)
    watched.cpu_s, watched.idle = children_cpu() - cpu, used.idle_share
    watched.waiting = used.waiting / total if total else 0.0
    return watched


def _look(watched: Watched, command: int, there: set[int], done: threading.Event) -> None:
    """Fill in memory, own processor time and the timeline until the command is done."""
    own: dict[int, float] = {}
    before, began = Processors.now(), time.perf_counter()
    over = False
    while not over:
        over = done.wait(EVERY_S)
        now = Processors.now()
        share = 1 - now.since(before).idle_share
        watched.timeline.append((round(time.perf_counter() - began, 2), round(share, 3)))
        before = now
        sizes = {"command": 0.0, "engine": 0.0, "all": 0.0}
        for process in set(_descendants(os.getpid())) - there:
            kind, size, used = _process(process, command)
            sizes["all"] += size
            if kind:
                sizes[kind] += size
                own[process] = used
        for name, size in sizes.items():
            watched.peak[name] = max(size, watched.peak.get(name, 0.0))
    watched.own_cpu_s = sum(own.values())


def _process(process: int, command: int) -> tuple[str, float, float]:
    """Return what a process is of the product's own (if it is), its bytes and its seconds."""
    folder = Path(f"/proc/{process}")
    try:
        size = int((folder / "statm").read_text().split()[1]) * PAGE
        words = (folder / "cmdline").read_bytes()[:300]
        fields = (folder / "stat").read_text().rpartition(") ")[2].split()
    except (OSError, IndexError):
        return "", 0.0, 0.0
    kind = "command" if process == command else "engine" if ENGINE.encode() in words else ""
    return kind, size, (int(fields[11]) + int(fields[12])) / TICKS


def _descendants(process: int) -> Iterator[int]:
    """Yield the processes below one."""
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, file.read_text().split()):
                yield child
                yield from _descendants(child)


@contextlib.contextmanager
def _orphans_come_here() -> Iterator[None]:
    """Become the parent of processes whose own has ended, so that none escapes the look."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def size_on_disk(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk; what has several names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            with contextlib.suppress(OSError):
                found = (Path(place) / name).lstat()
                if (found.st_dev, found.st_ino) not in seen:
                    seen.add((found.st_dev, found.st_ino))
                    total += found.st_blocks * 512
    return total
