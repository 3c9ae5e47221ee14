"""The client's end of a session on another machine: `keelway-engine attach`.

It runs where the files are, and does by its own rights what the engine asks for: lists and sends
files, reads variables and secrets, writes what is exported. Questions come on standard input,
answers go to standard output; the end of one is the end of the other.
"""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import subprocess
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run import files_inside
from keelway.engine.store.clientwire import (
    ALIVE,
    BROKEN,
    END,
    QUESTION,
    SIGN_OF_LIFE_S,
    Receiving,
    Sending,
    receive,
    send,
)
from keelway.engine.store.gitignore import GitIgnore
from keelway.engine.store.hostscan import file_status, real_path, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

_CHUNK = 1 << 18
_MACHINE = Path("/etc/machine-id")


class Attached:
    """Answers an engine; one question after the other."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes]) -> None:
        """Speak by two streams."""
        self._questions = questions
        self._answers = answers
        self._writing = threading.Lock()
        self._jobs: dict[str, Callable[..., object]] = {
            "who": _who, "path": _path, "scan": _scan, "file": _file, "fetch": self._fetch,
            "read": self._read, "run": self._run, "env": os.environ.get, "find": _find,
            "names": lambda: list(os.environ), "write": self._write, "put": self._put,
        }  # fmt: skip

    def serve(self) -> int:
        """Answer until nobody asks any more."""
        threading.Thread(target=self._live, daemon=True).start()
        while (frame := receive(self._questions)) is not None:
            if frame[0] == QUESTION:
                self._end(self._answer(*json.loads(frame[1])))
        return 0

    def _answer(self, job: str, *words: object) -> dict[str, object]:
        try:
            return {"value": self._jobs[job](*words)}
        except EngineError as error:
            return {"error": str(error)}
        except OSError as error:
            name = f"{error.filename}: " if isinstance(error.filename, str) else ""
            return {"error": f"{name}{(error.strerror or str(error)).lower()}"}
        except (tarfile.TarError, EOFError) as error:
            return {"error": f"{words[0]}: {error}"}

    def _end(self, said: dict[str, object]) -> None:
        with self._writing:
            send(self._answers, END, json.dumps(said).encode())

    def _live(self) -> None:
        """Tell now and then that somebody is here: a connection may die without a word."""
        with suppress(OSError, ValueError):
            while True:
                time.sleep(SIGN_OF_LIFE_S)
                with self._writing:
                    send(self._answers, ALIVE)

    def _data(self) -> io.BufferedWriter:
        return io.BufferedWriter(_Locked(self._answers, self._writing), _CHUNK)

    # --- files that are sent ----------------------------------------------------------------

    def _fetch(self, paths: Sequence[str]) -> None:
        out = self._data()
        for path in paths:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                target = os.fsencode(os.readlink(path))  # noqa: PTH115 - a name as it is
                out.write(b"link %d\n" % len(target) + target)
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:  # noqa: PTH123 - likewise
                    size = os.fstat(file.fileno()).st_size
                    out.write(b"file %d\n" % size)
                    _copy_exactly(file, out, size)
            else:
                out.write(b"other 0\n")
        out.flush()

    def _read(self, path: str) -> None:
        shown = _path(path)
        try:
            data = Path(shown).read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineError(f"failed to read secret file {shown}: {reason}") from error
        self._give(data)

    def _run(self, command: str) -> None:
        done = subprocess.run(  # noqa: S602 - a secret's URI is a shell command
            command, shell=True, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            raise EngineError(f"failed to run secret command: exit code {done.returncode}")
        self._give(done.stdout)

    def _give(self, data: bytes) -> None:
        with self._data() as out:
            out.write(data)

    # --- files that come --------------------------------------------------------------------

    def _write(self, path: str, wipe: bool) -> None:  # noqa: FBT001 - as it is sent
        self._taken(lambda stream: files_inside.write(path, "wipe" if wipe else "", stream))

    def _put(self, path: str, mode: int | None, into: bool) -> None:  # noqa: FBT001 - likewise
        with tempfile.TemporaryDirectory(prefix="keelway-") as folder:
            self._taken(lambda stream: _place(stream, Path(path), mode, into=into, work=folder))

    def _taken(self, work: Callable[[IO[bytes]], None]) -> None:
        """Give what comes to some work, whose end is not before that of what comes."""
        received = Receiving(lambda: receive(self._questions))
        try:
            work(io.BufferedReader(received, _CHUNK))
        finally:
            received.drain()
        if received.last is None or received.last[0] == BROKEN:
            raise EngineError("the engine sent a part only")


class _Locked(Sending):
    """Data that no sign of life gets into."""

    def __init__(self, stream: IO[bytes], lock: threading.Lock) -> None:
        super().__init__(stream)
        self._lock = lock

    def write(self, data: Buffer, /) -> int:
        with self._lock:
            return super().write(data)


def _copy_exactly(file: IO[bytes], out: IO[bytes], size: int) -> None:
    while size:
        part = file.read(min(size, _CHUNK))
        if not part:
            raise EngineError(f"{file.name}: changed while it was read; try again")
        out.write(part)
        size -= len(part)


def _who() -> dict[str, str]:
    """Return what tells this machine from others."""
    with suppress(OSError):
        if text := _MACHINE.read_text(encoding="ascii").strip():
            return {"machine": text}
    return {"machine": socket.gethostname()}


def _path(path: str) -> str:
    return os.path.normpath(Path.cwd() / Path(path).expanduser())


def _scan(
    path: str,
    include: Sequence[str],
    exclude: Sequence[str],
    gitignore: bool,  # noqa: FBT001 - as it is sent
) -> dict[str, object]:
    folder = real_path(Path(path))
    if not folder.is_dir():
        raise EngineError(f"path {path} is a file, not a directory")
    started = time.time_ns()
    ignore = GitIgnore(folder) if gitignore else None
    found = scan(folder, include=include, exclude=exclude, ignore=ignore)
    told = [(os.fsdecode(name), status) for name, status in found.items()]
    return {"top": f"{folder}/", "started": started, "found": told}


def _file(path: str) -> dict[str, object]:
    asked, started = Path(path), time.time_ns()
    real = real_path(asked)
    status = file_status(asked, real)
    return {"top": str(real), "started": started, "found": [(asked.name, status)]}


def _find(name: str) -> int | None:
    here = Path.cwd()
    for up, folder in enumerate((here, *here.parents)):
        if (folder / name).exists():
            return up
    return None


def _place(stream: IO[bytes], path: Path, mode: int | None, *, into: bool, work: str) -> None:
    """Put the one file of an archive where it belongs: it is there whole, or not at all."""
    files_inside.unpack(stream, Path(work))
    (new,) = Path(work).iterdir()
    target = Path(os.path.realpath(path))
    if target.is_dir():
        if not into:
            raise EngineError(
                f'destination "{path}" is a directory; '
                "must be a file path unless allowParentDirPath is set"
            )
        target /= new.name
    bits = target.stat().st_mode if target.exists() else mode or new.stat().st_mode
    files_inside.make_folders(target.parent)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        new.chmod(stat.S_IMODE(bits))
        _moved(new, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _moved(source: Path, target: Path) -> None:
    import shutil  # noqa: PLC0415 - rarely needed

    shutil.move(source, target)
