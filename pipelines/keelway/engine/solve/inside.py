"""What a command that speaks to the session has as its host: its own container, while it runs.

Its files are those that it sees itself, mounts and secrets included, by the rights of its user;
its variables are those that it was started with; its programs are the container's.
"""

from __future__ import annotations

import posixpath
import subprocess
import sys
import tarfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run import files_inside

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import IO

    from keelway.engine.run.executing import Executor, Running
    from keelway.engine.run.users import User
    from keelway.engine.store.store import Store

_PROGRAM: Final = Path(files_inside.__file__)
_COMMAND_S: Final = 3600.0


class Inside:
    """A container as the host of its command; threads may share it."""

    def __init__(
        self, *, store: Store, runtime: Executor, env: Mapping[str, str], cwd: str, user: User
    ) -> None:
        """Describe the command, which is yet to start; `store` is where its files are copied to."""
        self.elsewhere = False
        self.process: Running | None = None
        """The command, once it runs."""
        self.env = env
        self._store = store
        self._runtime = runtime
        self._cwd = cwd
        self._user = user
        self._copies: dict[tuple[str, str], Path] = {}
        self._lock = threading.Lock()

    def path(self, path: str) -> str:
        """Return a path as an absolute one of the container, relative ones from where it began."""
        if path == "~" or path.startswith("~/"):
            path = self.env.get("HOME", "/") + path[1:]
        return "/" + posixpath.normpath(posixpath.join("/", self._cwd, path)).lstrip("/")

    def folder(self, path: str, *, fresh: bool = False) -> Path:
        """Return a copy of a folder: as it was when it was first asked for, unless it is `fresh`.

        Raises:
            EngineError: There is none, or the command's user may not read it.
        """
        return self._copy(path, "directory", fresh=fresh)

    def file(self, path: str, *, fresh: bool = False) -> Path:
        """Return a copy of a file, under its own name.

        Raises:
            EngineError: There is none, or the command's user may not read it.
        """
        return self._copy(path, "file", fresh=fresh) / posixpath.basename(self.path(path))

    def repository(self, path: str) -> Path:
        """Return a copy of a folder that is a git repository.

        Raises:
            EngineError: There is none, or the command's user may not read it.
        """
        return self.folder(path)

    def read(self, path: str) -> bytes:
        """Return what is in a file now.

        Raises:
            EngineError: There is none, or the command's user may not read it.
        """
        copy = self.file(path, fresh=True)
        try:
            return copy.read_bytes()
        except FileNotFoundError as error:
            raise EngineError(f"failed to read secret file {path}: not a file") from error
        finally:
            self._store.discard(copy.parent)

    def find_up(self, name: str) -> str | None:
        """Return the nearest file or folder of that name, relative to where the command began."""
        with self._job("find", name, self.path(".")) as job:
            found = _out(job).read()
        return None if not found.strip() else "../" * int(found) + name

    def output(self, command: str) -> bytes:
        """Return what a shell command prints in the container.

        Raises:
            EngineError: It failed.
        """
        process = self._running()
        done = self._runtime.ask(process, ["sh", "-c", command], timeout_s=_COMMAND_S)
        if done is None or done.code != 0:
            code = "it took too long" if done is None else f"exit code {done.code}"
            raise EngineError(f"failed to run secret command: {code}")
        return done.stdout

    def write_folder(self, source: Path, path: str, *, wipe: bool) -> str:
        """Write a folder's contents to one of the container, and return its absolute path.

        Raises:
            EngineError: The command's user may not.
        """
        dest = self.path(path)
        with self._job("write", dest, "wipe" if wipe else "", taking=True) as job:
            _send(job, source)
        return dest

    def write_file(
        self, source: Path, path: str, *, name: str, mode: int | None = None, into: bool = False
    ) -> str:
        """Write a file of this `name` to the container, and return the absolute path asked for.

        Raises:
            EngineError: The command's user may not, or it is a folder and that is not allowed.
        """
        dest = self.path(path)
        octal = "" if mode is None else f"{mode:o}"
        with self._job("put", dest, octal, "into" if into else "", taking=True) as job:
            _send(job, source, name)
        return dest

    def _copy(self, path: str, kind: str, *, fresh: bool) -> Path:
        place = self.path(path)
        with self._lock:
            known = self._copies.get((place, kind))
            if known is not None and not fresh:
                return known
            work = self._store.new_work("inside")
            with self._job("read", place, kind) as job:
                files_inside.unpack(_out(job), work)
            if not fresh:
                self._copies[place, kind] = work
            return work

    @contextmanager
    def _job(self, *words: str, taking: bool = False) -> Generator[subprocess.Popen[bytes]]:
        """Start a job where the command sees its files; its failure is the block's.

        Raises:
            EngineError: The job failed, or the command is over.
        """
        namespace, root = self._running().view()
        user = self._user
        groups = ",".join(map(str, user.all_groups))
        ids = [str(user.uid), str(user.gid), groups]
        job = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), namespace, root, *ids, *words],
            stdin=subprocess.PIPE if taking else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C.UTF-8"},
        )
        failure: Exception | None = None
        with job:
            try:
                yield job
            except (OSError, EOFError, tarfile.TarError) as error:
                failure = error  # what the job says of it is better
                if job.stdout is not None:
                    job.stdout.close()  # it is not to wait for who reads no more
            if job.stdin is not None and not job.stdin.closed:
                job.stdin.close()
            told = b"" if job.stderr is None else job.stderr.read()
        if job.returncode != 0:
            lines = told.decode("utf-8", "replace").strip().splitlines()
            raise EngineError(lines[-1] if lines else f"{words[0]} {words[1]}: failed")
        if failure is not None:
            raise EngineError(f"{words[1]}: {failure}") from failure

    def _running(self) -> Running:
        if self.process is None:
            raise EngineError("the command that asks is not running")
        return self.process


def _out(job: subprocess.Popen[bytes]) -> IO[bytes]:
    if job.stdout is None:
        raise AssertionError("the job was started without an output")
    return job.stdout


def _send(job: subprocess.Popen[bytes], source: Path, name: str = "") -> None:
    if job.stdin is None:
        raise AssertionError("the job was started without an input")
    try:
        files_inside.pack(job.stdin, source, name=name)
    finally:
        job.stdin.close()
