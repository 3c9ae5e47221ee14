"""What a folder of the host has in it: one pass of `scandir` and `stat`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.patterns import Selection
from keelway.engine.store.waited import check_waited

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from keelway.engine.store.gitignore import GitIgnore

Status = tuple[int, int, int, int, int, int]
"""Mode with type, size, mtime and ctime (ns), inode, device; a directory has its mode alone."""
Found = dict[bytes, Status]
"""By path relative to the folder; a directory comes before what is in it."""
Where = Callable[[bytes], bytes]
"""Where on this machine a name of what was found is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A folder or file as it was seen."""

    found: Found
    started: int
    """When, in nanoseconds of its own machine's clock."""
    brought: Callable[[Sequence[bytes]], AbstractContextManager[Where]]
    """Gives these names a place here, until the end of the block."""


def scan(
    folder: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    ignore: GitIgnore | None = None,
) -> Found:
    """Return what is taken of a folder; sockets and devices never are.

    Raises:
        EngineError: A part of the folder can't be read, or nobody waits for it any more.
    """
    selection = Selection(include, exclude)
    found: Found = {}
    try:
        if selection.everything and ignore is None:
            _all(os.fsencode(folder), b"", found)
        else:
            _Chosen(selection, ignore).walk(os.fsencode(folder), b"", found)
    except OSError as error:
        raise unreadable(error) from error
    return found


def unreadable(error: OSError) -> EngineError:
    """Return what to say about a part of a host's folder that can't be read."""
    name = os.fsdecode(error.filename) if error.filename is not None else "the host folder"
    return EngineError(f"{name}: can't be read: {error.strerror}; exclude it if it is not needed")


def real_path(path: Path) -> Path:
    """Return a path with all links followed.

    Raises:
        EngineError: There is nothing, or it can't be read.
    """
    try:
        return path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise EngineError(f"{path}: no such file or directory") from None
    except OSError as error:
        raise EngineError(f"{path}: can't be read: {error.strerror}") from error


def file_status(path: Path, real: Path) -> Status:
    """Return the status of a file, which `real` is when all links of `path` are followed.

    Raises:
        EngineError: It is no file.
    """
    status = real.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a special file"
        raise EngineError(f"path {path} is {kind}, not a file")
    return _status(status)


def _all(folder: bytes, inside: bytes, out: Found) -> None:
    check_waited()
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since the directory was listed
            mode = status.st_mode
            name = inside + entry.name
            if stat.S_ISDIR(mode):
                out[name] = (mode, 0, status.st_mtime_ns, 0, 0, 0)
                _all(entry.path, name + b"/", out)
            elif stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISFIFO(mode):
                out[name] = _status(status)


def _status(status: os.stat_result) -> Status:
    return (
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
    )


class _Chosen:
    """A walk that takes what patterns and ignore files leave."""

    def __init__(self, selection: Selection, ignore: GitIgnore | None) -> None:
        self._selection = selection
        self._ignores: Callable[..., bool] = ignore.ignores if ignore else _nothing

    def walk(self, folder: bytes, inside: bytes, out: Found) -> None:
        check_waited()
        with os.scandir(folder) as entries:
            for entry in entries:
                self._entry(entry, inside + entry.name, out)

    def _entry(self, entry: os.DirEntry[bytes], name: bytes, out: Found) -> None:
        text = os.fsdecode(name)
        directory = entry.is_dir(follow_symlinks=False)
        taken = self._selection.takes(text)
        enters = directory and self._selection.enters(text)
        if not (taken or enters) or self._ignores(text, directory=directory):
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        mode = status.st_mode
        if directory:
            self._folder(entry, name, out, status, taken=taken)
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISFIFO(mode):
            out[name] = _status(status)

    def _folder(
        self,
        entry: os.DirEntry[bytes],
        name: bytes,
        out: Found,
        status: os.stat_result,
        *,
        taken: bool,
    ) -> None:
        """Take a directory if it is chosen, or if something in it is."""
        below: Found = {}
        if self._selection.enters(os.fsdecode(name)):
            self.walk(entry.path, name + b"/", below)
        if taken or below:
            out[name] = (status.st_mode, 0, status.st_mtime_ns, 0, 0, 0)
            out.update(below)


def _nothing(path: str, *, directory: bool) -> bool:
    """Ignore nothing."""
    del path, directory
    return False
