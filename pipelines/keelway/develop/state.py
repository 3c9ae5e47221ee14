"""What is kept of a project that runs: who runs it, what its services have come to, their logs.

It lies in `$XDG_STATE_HOME/keelway/up/PROJECT` (`~/.local/state` where that is not set), which only
its user can read. Whoever runs the project holds a lock for as long as he lives, so that neither a
stale file nor a process id that somebody else has now is taken for a project that runs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from keelway._replacing import replace_file
from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

STATE_FILE = "state.json"
LOG_FILE = "log"
OUTPUT_FILE = "output"
STOP_FILE = "stop.json"
_LOCK_TRIES = 10
_LOCK_PAUSE_S = 0.05

Phase = Literal["starting", "ready", "stopping", "failed", "ended"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProcessPart(_Document):
    """A process, so that another one with the same number is not taken for it."""

    pid: int
    started: int
    """When, in clock ticks since the machine began (proc(5), field 22 of `stat`)."""

    def lives(self) -> bool:
        """Return whether it is still there; one that only waits to be reaped is not."""
        found = read_stat(self.pid)
        return found is not None and found.started == self.started and found.state not in {"Z", "X"}


class PortPart(_Document):
    """One port of the host that leads to a service."""

    address: str
    published: int
    target: int
    protocol: str


class ServicePart(_Document):
    """One service."""

    name: str
    state: str
    health: str = ""
    code: int | None = None
    restarts: int = 0
    why: str = ""
    ports: tuple[PortPart, ...] = ()


class StateDocument(_Document):
    """All of it."""

    version: Literal[1] = 1
    name: str
    folder: str
    files: tuple[str, ...] = ()
    phase: Phase
    background: bool = False
    process: ProcessPart
    engine: tuple[ProcessPart, ...] = ()
    """What the process started: it ends with it, and `down` looks whether it did."""
    grace_s: float = 10.0
    """What all services may need to end, one after the other."""
    services: tuple[ServicePart, ...] = ()


class StopDocument(_Document):
    """What `down` asks of the process, beside that it ends."""

    timeout_s: float | None = None
    volumes: bool = False


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where the state of one project is."""

    path: Path

    @property
    def name(self) -> str:
        """Return the project's name."""
        return self.path.name

    @property
    def log(self) -> Path:
        """Return the file with all that services wrote."""
        return self.path / LOG_FILE

    @property
    def output(self) -> Path:
        """Return the file with what the process in the background had to say."""
        return self.path / OUTPUT_FILE

    def read(self) -> StateDocument | None:
        """Return the state; nothing when there is none, or none that can be read."""
        try:
            return StateDocument.model_validate_json((self.path / STATE_FILE).read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, state: StateDocument) -> None:
        """Keep the state: a reader sees the old one or the new one."""
        self._put(STATE_FILE, state.model_dump_json(indent=2))

    def ask(self, stop: StopDocument) -> None:
        """Leave word how the process is to end."""
        self._put(STOP_FILE, stop.model_dump_json())

    def asked(self) -> StopDocument:
        """Return how the process is to end; as it would by itself, when nobody said."""
        try:
            return StopDocument.model_validate_json((self.path / STOP_FILE).read_bytes())
        except (OSError, ValidationError):
            return StopDocument()

    def clear(self) -> None:
        """Make an empty folder of it, which only this user can read."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def lock(self) -> int | None:
        """Return a descriptor that holds the project's lock; nothing when another process does."""
        descriptor = self._open_lock()
        for _ in range(_LOCK_TRIES):
            # Whoever only looks has it for a moment too.
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            time.sleep(_LOCK_PAUSE_S)
        os.close(descriptor)
        return None

    def is_held(self) -> bool:
        """Return whether a process runs the project."""
        descriptor = self._open_lock()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _open_lock(self) -> int:
        # Beside the folder, which comes and goes: a lock on a file that is no more holds nobody.
        file = self.path.with_name(f"{self.name}.lock")
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _put(self, name: str, text: str) -> None:
        replace_file(self.path / name, f"{text}\n")


def state_root(environ: Mapping[str, str]) -> Path:
    """Return the folder of all projects' states, made if need be.

    Raises:
        PlanError: It cannot be made, or it is another user's.
    """
    home = environ.get("XDG_STATE_HOME", "")
    above = Path(home) if home.startswith("/") else _home(environ) / ".local" / "state"
    root = above / "keelway" / "up"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = root.stat().st_uid
    except OSError as error:
        raise PlanError(
            f"the state of running projects cannot be kept in {root}: {error.strerror}",
            next_step="set XDG_STATE_HOME to a folder of your own",
        ) from error
    if owner != os.geteuid():
        raise PlanError(
            f"{root} belongs to another user",
            next_step="set XDG_STATE_HOME to a folder of your own",
        )
    return root


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME", "")
    return Path(home) if home.startswith("/") else Path("~").expanduser()


def known_projects(root: Path) -> list[StateFolder]:
    """Return the projects that there is something of."""
    return [StateFolder(path) for path in sorted(root.iterdir()) if path.is_dir()]


@dataclass(frozen=True, slots=True)
class Stat:
    """What the kernel says of a process."""

    state: str
    parent: int
    started: int


def parse_stat(text: str) -> Stat:
    """Return what `/proc/PID/stat` says (proc(5)).

    >>> parse_stat("7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0")
    Stat(state='S', parent=1, started=4242)
    """
    # The name may have anything in it, parentheses too.
    words = text.rpartition(")")[2].split()
    return Stat(state=words[0], parent=int(words[1]), started=int(words[19]))


def read_stat(pid: int) -> Stat | None:
    """Return what the kernel says of a process; nothing when there is none."""
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, IndexError, ValueError):
        return None


def this_process() -> ProcessPart:
    """Return this process."""
    found = read_stat(os.getpid())
    return ProcessPart(pid=os.getpid(), started=0 if found is None else found.started)


def children(pid: int) -> tuple[ProcessPart, ...]:
    """Return the processes that a process has started and that live."""
    found: list[ProcessPart] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            stat = read_stat(int(folder.name))
            if stat is not None and stat.parent == pid and stat.state != "Z":
                found.append(ProcessPart(pid=int(folder.name), started=stat.started))
    return tuple(found)
