"""Mounts without mounting: things put into a tree for the time of a command, and taken out again.

    places = Places(root, aside)
    places.tree(source, "/src")        # moved in, and back
    places.cache(volume, "/cache")     # linked in, changes taken back
    ...                                # the command
    places.clear()                     # the tree is as it was, but for what the command did

What is there already is moved aside, and missing directories are made; both is undone in the
opposite order. Nothing is looked up by its path a second time: a command could have put a link in
its way. All of it is on the file system of the tree, so that a move is one rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.run.chroot_cache import LinkedCache
from keelway.engine.run.chroot_secret import SecretPipe
from keelway.engine.run.inroot import Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.run.spec import SecretFile

_DEVICES: Final = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)
_DEVICE_LINKS: Final = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)


@dataclass(slots=True)
class _Covered:
    """One name of a directory that shows something else for a while."""

    folder: int
    """A descriptor of the directory: it stays the same directory, whatever it is called."""
    name: str
    before_ns: int
    """When the directory had last changed before, and just after."""
    after_ns: int
    aside: Path | None
    take_out: Callable[[int, str], None]

    def undo(self) -> None:
        """Take out what was put in, and put back what was there."""
        try:
            with contextlib.suppress(OSError):
                untouched = os.fstat(self.folder).st_mtime_ns == self.after_ns
                self.take_out(self.folder, self.name)
                if self.aside is not None:
                    os.rename(self.aside, self.name, dst_dir_fd=self.folder)
                if untouched:
                    here = f"/proc/self/fd/{self.folder}"
                    os.utime(here, ns=(self.before_ns, self.before_ns))
        finally:
            os.close(self.folder)


class Places:
    """Everything that was put into one tree."""

    def __init__(self, tree: Path, aside: Path) -> None:
        """Work on a tree; `aside` does not exist, and is beside it."""
        self._tree = tree
        self._aside = aside
        self._covered: list[_Covered] = []
        self._count = 0
        aside.mkdir(mode=0o700)

    def tree(self, source: Path, target: str) -> None:
        """Move a directory or file of nobody else's in, and back when all is over."""
        is_folder = source.is_dir()

        def take_out(folder: int, name: str) -> None:
            try:
                os.rename(name, source, src_dir_fd=folder)
            except FileNotFoundError:
                if is_folder:  # a mounted one could have been emptied, but not removed
                    source.mkdir()

        self._cover(target, source.rename, take_out)

    def cache(self, volume: Path, target: str) -> None:
        """Show a directory that others have as well, by links to its files."""
        linked = LinkedCache(volume)

        def take_out(folder: int, name: str) -> None:
            place = self._out(folder, name)
            linked.take_back(place)
            shutil.rmtree(place)

        self._cover(target, linked.put, take_out)

    def folder(self, target: str, *, mode: int) -> None:
        """Show an empty directory, and forget what is put into it."""

        def make(place: Path) -> None:
            place.mkdir()
            place.chmod(mode)

        self._cover(target, make, self._drop)

    def file(self, target: str, text: str) -> Path:
        """Show a small file, and forget what becomes of it; what is written later shows too.

        The path that is returned is a second name of it, which no command can put a link in the
        way of.
        """
        own = self._next()
        own.write_text(text)
        own.chmod(0o644)

        def make(place: Path) -> None:
            os.link(own, place)

        self._cover(target, make, self._drop)
        return own

    def devices(self) -> None:
        """Show a `/dev` with what every program expects there.

        Raises:
            OSError: Device nodes can't be made here.
        """

        def make(place: Path) -> None:
            place.mkdir()
            place.chmod(0o755)
            for name, major, minor in _DEVICES:
                os.mknod(place / name, stat.S_IFCHR, os.makedev(major, minor))
                (place / name).chmod(0o666)
            for name, target in _DEVICE_LINKS:
                (place / name).symlink_to(target)
            shared = place / "shm"
            shared.mkdir()
            shared.chmod(0o1777)

        self._cover("/dev", make, self._drop)

    def secret(self, secret: SecretFile) -> None:
        """Show a secret as a pipe that gives it to each reader: it is in memory only."""
        pipe = SecretPipe(secret)

        def take_out(folder: int, name: str) -> None:
            pipe.close()
            self._drop(folder, name)

        self._cover(secret.target, pipe.open, take_out)

    def clear(self) -> None:
        """Undo everything; what can't be undone, since the command removed its place, is lost."""
        while self._covered:
            self._covered.pop().undo()
        shutil.rmtree(self._aside, ignore_errors=True)

    def _cover(
        self, target: str, put: Callable[[Path], object], take_out: Callable[[int, str], None]
    ) -> None:
        with Root(self._tree) as root:
            path = root.resolve(target)
            for parent in reversed(path.parents):
                if not root.exists(str(parent)):
                    self._put(root, str(parent), _make_parent, _remove_parent)
            self._put(root, str(path), put, take_out)

    def _put(
        self,
        root: Root,
        path: str,
        put: Callable[[Path], object],
        take_out: Callable[[int, str], None],
    ) -> None:
        with root.parent(path) as (directory, name):
            folder = os.dup(directory)
        before_ns = os.fstat(folder).st_mtime_ns
        place = Path(f"/proc/self/fd/{folder}") / name
        aside = None
        try:
            if os.path.lexists(place):
                aside = self._next()
                place.rename(aside)
            put(place)
        except BaseException:
            os.close(folder)
            raise
        self._covered.append(
            _Covered(
                folder=folder,
                name=name,
                before_ns=before_ns,
                after_ns=os.fstat(folder).st_mtime_ns,
                aside=aside,
                take_out=take_out,
            )
        )

    def _next(self) -> Path:
        self._count += 1
        return self._aside / str(self._count)

    def _out(self, folder: int, name: str) -> Path:
        """Take what is at a name out of the tree; return where it is now."""
        place = self._next()
        os.rename(name, place, src_dir_fd=folder)
        return place

    def _drop(self, folder: int, name: str) -> None:
        self._out(folder, name)  # deleted with the rest of what is aside


def _make_parent(place: Path) -> None:
    place.mkdir()
    place.chmod(0o755)


def _remove_parent(folder: int, name: str) -> None:
    os.rmdir(name, dir_fd=folder)  # unless the command has put something into it
