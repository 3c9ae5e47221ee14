"""A cache volume shown in a tree without a mount: its files are linked in, its changes taken back.

A linked file is one file wherever it is written to, as it would be with a mount, and a cache is
there to be written to. New, replaced and removed names are seen by others when the command is over.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NEW: Final = ".keelway-new"


class LinkedCache:
    """One volume shown in one place."""

    def __init__(self, volume: Path) -> None:
        """Prepare to show a volume."""
        self._volume = volume
        self._inodes: dict[str, int] = {}

    def put(self, place: Path) -> None:
        """Show the volume at a path where nothing is.

        Raises:
            OSError: As of link(2).
        """
        place.mkdir()
        self._put(self._volume, place, "")

    def _put(self, source: Path, place: Path, inside: str) -> None:
        with os.scandir(source) as entries:
            for entry in entries:
                path = f"{inside}{entry.name}"
                with contextlib.suppress(FileNotFoundError):  # others may remove it meanwhile
                    self._inodes[path] = entry.inode()
                    if entry.is_dir(follow_symlinks=False):
                        (place / entry.name).mkdir()
                        self._put(source / entry.name, place / entry.name, f"{path}/")
                    else:
                        _link(source / entry.name, place / entry.name)
        _dress(source, place)

    def take_back(self, place: Path) -> None:
        """Do to the volume what was done to the place.

        Raises:
            OSError: The disk is full.
        """
        seen = self._take_back(place, self._volume, "")
        # Deepest first: a directory goes after what was in it.
        for path in sorted(self._inodes.keys() - seen, reverse=True):
            self._remove(path)

    def _take_back(self, place: Path, target: Path, inside: str) -> set[str]:
        seen: set[str] = set()
        with os.scandir(place) as entries:
            for entry in entries:
                path = f"{inside}{entry.name}"
                seen.add(path)
                if entry.is_dir(follow_symlinks=False):
                    with contextlib.suppress(FileExistsError):
                        (target / entry.name).mkdir()
                    seen |= self._take_back(place / entry.name, target / entry.name, f"{path}/")
                elif self._inodes.get(path) != entry.inode():
                    _replace(place / entry.name, target / entry.name)
        _dress(place, target)
        return seen

    def _remove(self, path: str) -> None:
        """Remove what the command has removed, unless somebody else has renewed it meanwhile."""
        target = self._volume / path
        with contextlib.suppress(OSError):
            found = target.lstat()
            if found.st_ino != self._inodes[path]:
                return
            if stat.S_ISDIR(found.st_mode):
                target.rmdir()
            else:
                target.unlink()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def _replace(source: Path, target: Path) -> None:
    """Put a file where a file or nothing is, whole at any moment."""
    new = target.parent / _NEW
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    _link(source, new)
    try:
        new.rename(target)
    except IsADirectoryError:
        shutil.rmtree(target)
        new.rename(target)
    new.unlink(missing_ok=True)  # two names of one file: the rename did nothing


def _dress(source: Path, target: Path) -> None:
    """Give a directory the owner, mode and times of another."""
    found = source.stat()
    os.chown(target, found.st_uid, found.st_gid)
    target.chmod(stat.S_IMODE(found.st_mode))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
