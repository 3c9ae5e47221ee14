"""Work inside a mounted root that no symlink of the root can lead out of.

    with Root(merged) as root:
        root.mkdir_all("/srv/app", uid=1000, gid=1000)
        root.write_file("/srv/app/version", b"1", mode=0o644)

Every path is taken as the container would take it: absolute, `..` stops at the root, symlinks
are followed inside (openat2's RESOLVE_IN_ROOT), those of /proc never.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as stat_module
from collections import deque
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Self

from keelway.engine.run import kernel

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

_RESOLVE: Final = kernel.RESOLVE_IN_ROOT | kernel.RESOLVE_NO_MAGICLINKS
_LINK_LIMIT: Final = 40
_PIECE: Final = 1 << 20


class Root:
    """An open root directory; close it, or use it as a context."""

    __slots__ = ("_descriptor", "_prefix", "path")

    def __init__(self, path: Path) -> None:
        """Open the directory.

        Raises:
            OSError: It is missing or no directory.
        """
        self.path = path
        self._descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._prefix = _name_of(self._descriptor).rstrip("/")

    def close(self) -> None:
        """Close the root; the mount may then be taken away."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, path: str, flags: int, mode: int = 0) -> int:
        """Return a descriptor of what the path names inside the root.

        Raises:
            OSError: As of open(2).
        """
        return kernel.openat2(self._descriptor, path or "/", flags, mode, _RESOLVE)

    def resolve(self, path: str) -> PurePosixPath:
        """Return the absolute path without symlinks; what does not exist is kept as written.

        Raises:
            OSError: A loop of symlinks, or a file where a directory is needed.
        """
        try:
            descriptor = self.open(path, os.O_PATH)
        except FileNotFoundError:
            return self._walk(path)
        try:
            found = _name_of(descriptor)
        finally:
            os.close(descriptor)
        return PurePosixPath(found.removeprefix(self._prefix) or "/")

    def _walk(self, path: str) -> PurePosixPath:
        """Resolve part by part, following symlinks that dangle."""
        done = PurePosixPath("/")
        todo = deque(PurePosixPath(path).parts)
        links = 0
        while todo:
            part = todo.popleft()
            if part in ("/", "//"):
                done = PurePosixPath("/")
            elif part == "..":
                done = done.parent
            elif (target := self._link(done / part)) is None:
                done /= part
            else:
                links += 1
                if links > _LINK_LIMIT:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                todo.extendleft(reversed(PurePosixPath(target).parts))
        return done

    def _link(self, path: PurePosixPath) -> str | None:
        try:
            with self._parent(path) as (directory, name):
                return os.readlink(name, dir_fd=directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # not a symlink
                return None
            raise

    @contextlib.contextmanager
    def parent(self, path: str) -> Generator[tuple[int, str]]:
        """Give the descriptor of the path's directory and its last name (not followed).

        Raises:
            OSError: There is no such directory; EBUSY for the root itself.
        """
        with self._parent(PurePosixPath("/") / path) as found:
            yield found

    @contextlib.contextmanager
    def _parent(self, path: PurePosixPath) -> Generator[tuple[int, str]]:
        if path.name in ("", ".."):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        directory = self.open(str(path.parent), os.O_PATH | os.O_DIRECTORY)
        try:
            yield directory, path.name
        finally:
            os.close(directory)

    def lstat(self, path: str) -> os.stat_result:
        """Return the state of the last name itself.

        Raises:
            OSError: There is nothing.
        """
        clean = PurePosixPath("/") / path
        if clean.name in ("", ".."):
            return self.stat(path)
        with self._parent(clean) as (directory, name):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def stat(self, path: str) -> os.stat_result:
        """Return the state of what the path leads to.

        Raises:
            OSError: There is nothing.
        """
        descriptor = self.open(path, os.O_PATH)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def exists(self, path: str, *, follow: bool = True) -> bool:
        """Tell whether the path names anything."""
        try:
            if follow:
                self.stat(path)
            else:
                self.lstat(path)
        except OSError:
            return False
        return True

    def is_dir(self, path: str) -> bool:
        """Tell whether the path leads to a directory."""
        try:
            return stat_module.S_ISDIR(self.stat(path).st_mode)
        except OSError:
            return False

    def names(self, path: str) -> list[str]:
        """Return the sorted names in a directory.

        Raises:
            OSError: As of opendir(3).
        """
        descriptor = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return sorted(os.listdir(descriptor))  # noqa: PTH208 - a descriptor, no path
        finally:
            os.close(descriptor)

    def read_file(self, path: str) -> bytes:
        """Return the contents of a regular file.

        Raises:
            OSError: There is none; EINVAL when it is something else, which is not opened.
        """
        probe = self.open(path, os.O_PATH)
        try:
            if not stat_module.S_ISREG(os.fstat(probe).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            with open(f"/proc/self/fd/{probe}", "rb") as file:  # noqa: PTH123 - a descriptor's name
                return file.read()
        finally:
            os.close(probe)

    def readlink(self, path: str) -> str:
        """Return where a symlink points to.

        Raises:
            OSError: It is none.
        """
        with self.parent(path) as (directory, name):
            return os.readlink(name, dir_fd=directory)

    def mkdir_all(
        self, path: str, *, mode: int = 0o755, uid: int | None = None, gid: int | None = None
    ) -> list[PurePosixPath]:
        """Make a directory and its missing parents; returns what was made, outermost first.

        Mode and owner are given to all that are made and to nothing that was there.

        Raises:
            OSError: ENOTDIR when a file is in the way.
        """
        if self.is_dir(path):
            return []
        clean = self._walk(path)
        steps = [*reversed(clean.parents), clean]
        return [step for step in steps if step.name and self._mkdir(step, mode, uid, gid)]

    def _mkdir(self, path: PurePosixPath, mode: int, uid: int | None, gid: int | None) -> bool:
        with self._parent(path) as (directory, name):
            try:
                os.mkdir(name, mode=mode, dir_fd=directory)
            except FileExistsError:
                state = os.stat(name, dir_fd=directory, follow_symlinks=False)
                if not stat_module.S_ISDIR(state.st_mode):
                    raise NotADirectoryError(
                        errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)
                    ) from None
                return False
            own(directory, name, uid, gid)
            chmod(directory, name, mode)  # the umask does not count
        return True

    def write_file(
        self,
        path: str,
        data: bytes,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Write a file, truncating what is there; its directory must exist.

        A new file has mode 0644 when none is given; an old one keeps what is not given.

        Raises:
            OSError: As of open(2).
        """
        target = str(self._walk(path))  # a dangling symlink is written through, as open(2) does
        descriptor = self.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view[:_PIECE]) :]
            if uid is not None or gid is not None:
                os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
            if mode is not None:
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def symlink(self, target: str, path: str) -> None:
        """Make a symlink.

        Raises:
            OSError: EEXIST when something is there.
        """
        with self.parent(path) as (directory, name):
            os.symlink(target, name, dir_fd=directory)


def _name_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def own(directory: int, name: str, uid: int | None, gid: int | None) -> None:
    """Give a name in a directory (not what it links to) an owner, where one is given."""
    if uid is not None or gid is not None:
        os.chown(
            name,
            -1 if uid is None else uid,
            -1 if gid is None else gid,
            dir_fd=directory,
            follow_symlinks=False,
        )


def chmod(directory: int, name: str, mode: int) -> None:
    """Set the mode of a name in a directory, which must not be a symlink."""
    os.chmod(name, mode, dir_fd=directory)
