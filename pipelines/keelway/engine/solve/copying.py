"""Files and folders copied from one tree into another, as `COPY` and `withDirectory` mean it."""

from __future__ import annotations

import errno
import os
import shutil
import stat as stat_module
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from keelway.engine.errors import EngineError
from keelway.engine.store.space import disk_error
from keelway.engine.store.waited import check_waited

if TYPE_CHECKING:
    from keelway.dockerfile.modes import Mode
    from keelway.engine.run.inroot import Root
    from keelway.engine.solve.links import Links

_NO_FAST_COPY = {errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}
_PIECE = 64 << 20
"""Bytes that are copied before it is asked again whether anybody waits for them."""
_FROM_OVERLAY = ("user.overlay.", "trusted.overlay.")


class Wanted(Protocol):
    """What of a folder is copied; paths are relative, with `/`."""

    def takes(self, path: str) -> bool:
        """Say whether a path itself is copied."""
        ...

    def enters(self, path: str) -> bool:
        """Say whether a folder can have something in it that is."""
        ...


class Everything:
    """No pattern at all."""

    def takes(self, path: str) -> bool:
        """Say yes."""
        del path
        return True

    def enters(self, path: str) -> bool:
        """Say yes."""
        del path
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What copies get instead of the source's own; None keeps that."""

    owner: tuple[int, int] | None = None
    mode: int | Mode | None = None

    def mode_of(self, mode: int, *, directory: bool) -> int:
        """Return the mode that a copy gets whose source has this one."""
        if self.mode is None:
            return mode
        if isinstance(self.mode, int):
            return self.mode
        return self.mode.applied(mode, directory=directory)


class Copier:
    """Copies into one open root, with the same attributes for all that it copies."""

    def __init__(
        self,
        root: Root,
        attributes: Attributes,
        links: Links | None = None,
        *,
        replacing: bool = False,
    ) -> None:
        """Write below this root; `links` takes what need not be copied.

        A folder in the way of a file, or a file in the way of the folder that is copied to, is an
        error, as it is for `cp`, or gives way when the copier is `replacing`.
        """
        self._root = root
        self._replacing = replacing
        self._attributes = attributes
        self._names: dict[tuple[int, int], Path] = {}
        """Where the copy of a file is that has several names."""
        self._links = links

    def make_parents(self, path: str) -> None:
        """Make the folders above a path that are missing.

        They belong to the copies' owner as in a Dockerfile, or to root when the copier replaces.
        """
        parent = path.rstrip("/").rpartition("/")[0] or "/"
        owner = None if self._replacing else self._attributes.owner
        uid, gid = owner or (None, None)
        self._root.mkdir_all(parent, uid=uid, gid=gid)

    def tree(self, source: Path, dest: str, wanted: Wanted) -> None:
        """Copy the contents of a folder into another, which is made when it is missing.

        Raises:
            EngineError: A file is where a folder must be.
        """
        self.make_parents(dest)
        if self._replacing and self._root.exists(dest) and not self._root.is_dir(dest):
            with self._root.parent(dest) as (directory, name):
                os.unlink(name, dir_fd=directory)
        fresh = not self._root.exists(dest)
        target = self._folder(dest)
        if fresh:
            self._dress(source, target)
        self._contents(source, target, "", wanted)

    def file(self, source: Path, dest: str) -> None:
        """Copy one file (or link) to exactly this path; folders above it are made."""
        self.make_parents(dest)
        with self._root.parent(dest) as (directory, name):
            # This name of the target means nothing later, so nothing is linked to it.
            self._one(source, Path(f"/proc/self/fd/{directory}") / name, alone=True)

    def _folder(self, dest: str) -> Path:
        try:
            self._root.mkdir_all(dest)
        except OSError as error:
            raise disk_error(error) or EngineError(
                f"cannot copy to {dest}: {error.strerror}"
            ) from error
        return self._root.path / str(self._root.resolve(dest)).lstrip("/")

    def _contents(self, source: Path, target: Path, below: str, wanted: Wanted) -> None:
        with os.scandir(source) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            check_waited()
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                self._subfolder(Path(entry.path), target / entry.name, path, wanted)
            elif wanted.takes(path):
                self._one(Path(entry.path), target / entry.name)

    def _subfolder(self, source: Path, target: Path, path: str, wanted: Wanted) -> None:
        if wanted.takes(path) or (wanted.enters(path) and _has_any(source, f"{path}/", wanted)):
            made = self._make_folder(source, target)
            self._contents(source, made, f"{path}/", wanted)

    def _make_folder(self, source: Path, target: Path) -> Path:
        """Make a folder, or use one that is there, also behind a link that stays in the root."""
        try:
            mode = target.lstat().st_mode
        except FileNotFoundError:
            target.mkdir()
            self._dress(source, target)
            return target
        if stat_module.S_ISLNK(mode):
            inner = "/" + str(target.relative_to(self._root.path))
            if self._root.is_dir(inner):
                return self._root.path / str(self._root.resolve(inner)).lstrip("/")
        if not stat_module.S_ISDIR(mode):
            target.unlink()
            target.mkdir()
        self._dress(source, target)
        return target

    def _one(self, source: Path, target: Path, *, alone: bool = False) -> None:
        """Copy a file, link or device."""
        state = source.lstat()
        try:
            target.unlink()
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            if stat_module.S_ISREG(state.st_mode) and not self._replacing:
                raise EngineError(
                    f"cannot copy file {source.name} over the directory of that name"
                ) from None
            shutil.rmtree(target)
        kind = stat_module.S_IFMT(state.st_mode)
        if kind == stat_module.S_IFLNK:
            target.symlink_to(source.readlink())
        elif kind == stat_module.S_IFREG:
            if self._is_linked(source, state, target):
                return
            if not alone and self._linked(state, target):
                return
            copy_contents(source, target)
        else:
            os.mknod(target, state.st_mode, state.st_rdev)
        self._dress(source, target)

    def _linked(self, state: os.stat_result, target: Path) -> bool:
        """Make one more name of a file that was copied before; say whether it was."""
        if state.st_nlink == 1:
            return False
        first = self._names.setdefault((state.st_dev, state.st_ino), target)
        if first == target:
            return False
        try:
            target.hardlink_to(first)
        except OSError:  # it has been replaced since, or can't have another name
            self._names[state.st_dev, state.st_ino] = target
            return False
        return True

    def _is_linked(self, source: Path, state: os.stat_result, target: Path) -> bool:
        """Leave a file to be linked where the copy would be equal in all, and say if it is."""
        owner, mode = (state.st_uid, state.st_gid), stat_module.S_IMODE(state.st_mode)
        if self._links is None or self._attributes.owner not in {None, owner}:
            return False
        if self._attributes.mode_of(mode, directory=False) != mode:
            return False
        return self._links.put(source, state, target)

    def _dress(self, source: Path, target: Path) -> None:
        """Give a copy its owner, mode, times and extended attributes."""
        state = source.lstat()
        uid, gid = self._attributes.owner or (state.st_uid, state.st_gid)
        os.chown(target, uid, gid, follow_symlinks=False)
        if not stat_module.S_ISLNK(state.st_mode):
            mode = stat_module.S_IMODE(state.st_mode)
            directory = stat_module.S_ISDIR(state.st_mode)
            target.chmod(self._attributes.mode_of(mode, directory=directory))
            for name in os.listxattr(source):
                if not name.startswith(_FROM_OVERLAY):
                    os.setxattr(target, name, os.getxattr(source, name))
        os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns), follow_symlinks=False)


def _has_any(source: Path, below: str, wanted: Wanted) -> bool:
    """Say whether anything below a folder is copied: only then is the folder made for it."""
    with os.scandir(source) as found:
        for entry in found:
            path = f"{below}{entry.name}"
            if wanted.takes(path):
                return True
            folder = entry.is_dir(follow_symlinks=False) and wanted.enters(path)
            if folder and _has_any(Path(entry.path), f"{path}/", wanted):
                return True
    return False


def copy_contents(source: Path, target: Path) -> None:
    """Copy the bytes of a file to a new one, inside the kernel where it can."""
    with source.open("rb") as read, target.open("xb") as write:
        size = os.fstat(read.fileno()).st_size
        # The first shares what it copies where a file system can, but not from one to another.
        for copy in (_copy_range, _send):
            try:
                copy(read.fileno(), write.fileno(), size)
            except OSError as error:
                if error.errno not in _NO_FAST_COPY:
                    raise
                for file in (read, write):
                    file.seek(0)
                write.truncate()
            else:
                return
        shutil.copyfileobj(read, write, 1 << 20)


def _copy_range(read: int, write: int, left: int) -> None:
    while left > 0 and (done := os.copy_file_range(read, write, min(left, _PIECE))):
        left -= done
        check_waited()


def _send(read: int, write: int, left: int) -> None:
    at = 0
    while left > 0 and (done := os.sendfile(write, read, at, min(left, _PIECE))):
        at, left = at + done, left - done
        check_waited()
