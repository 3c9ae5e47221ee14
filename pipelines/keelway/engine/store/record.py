"""What was in a plain tree, and what has changed in it since: the layer that overlayfs would make.

    before = Record.of(tree)
    ...                                             # a command changes the tree
    put = Changes(tree, before, layers).write(upper)

A file is the same as before when inode, size, owner, mode and times are. The time of the last
change of state (ctime) decides: no program can set it. Where it alone differs, as after a rename
forth and back, the contents are compared with the layers that the tree was made of.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH102, PTH115

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from keelway.engine.store.merged import copy_entry, find_in
from keelway.engine.store.squash import copy_attributes
from keelway.engine.store.tar import OPAQUE, attributes
from keelway.engine.store.whiteout import is_whiteout, make_whiteout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.store.merged import Links

_REALTIME_COARSE: Final = 5
"""The clock that the kernel takes times of files from (CLOCK_REALTIME_COARSE)."""
_TICK_S: Final = 0.001
_PIECE: Final = 1 << 20


class State(NamedTuple):
    """What tells one version of a file from another, the ctime aside."""

    mode: int
    inode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> State:
        """Return the state; a directory's size says nothing."""
        return cls(
            mode=found.st_mode,
            inode=found.st_ino,
            uid=found.st_uid,
            gid=found.st_gid,
            size=0 if stat.S_ISDIR(found.st_mode) else found.st_size,
            mtime_ns=found.st_mtime_ns,
            device=found.st_rdev,
        )


@dataclass(slots=True)
class Record:
    """All that a tree has: path (`/a/b`; the top is empty) -> its state and ctime."""

    states: dict[bytes, tuple[State, int]] = field(default_factory=dict[bytes, tuple[State, int]])
    names: dict[bytes, list[bytes]] = field(default_factory=dict[bytes, list[bytes]])

    @classmethod
    def of(cls, tree: bytes) -> Record:
        """Look at a tree that nobody changes meanwhile.

        Returns only when the clock of files has moved on: what is changed from then on has a
        later ctime than anything that was seen.
        """
        made = cls()
        made._add(b"", os.lstat(tree))
        made._folder(tree, b"")
        newest = max(ctime for _, ctime in made.states.values())
        while time.clock_gettime_ns(_REALTIME_COARSE) <= newest < time.time_ns():
            time.sleep(_TICK_S)
        return made

    def _folder(self, tree: bytes, inside: bytes) -> None:
        names = self.names[inside] = []
        with os.scandir(tree + inside) as entries:
            for entry in entries:
                path = inside + b"/" + entry.name
                names.append(entry.name)
                self._add(path, entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    self._folder(tree, path)

    def _add(self, path: bytes, found: os.stat_result) -> None:
        self.states[path] = (State.of(found), found.st_ctime_ns)


class Changes:
    """Finds what has changed in a tree, and writes it as a layer."""

    def __init__(self, tree: bytes, before: Record, layers: Sequence[bytes]) -> None:
        """Compare with the record; `layers`, bottom first, are what the tree was made of."""
        self._tree = tree
        self._before = before
        self._layers = layers
        self._upper = b""
        self._links: Links = {}
        self._put: dict[bytes, State | None] = {}
        self._folders: list[bytes] = []

    def write(self, upper: bytes) -> dict[bytes, State | None]:
        """Copy what has changed into an empty directory, with marks for what is gone.

        Returns the paths that were put there, each with its state there; None for a directory.
        """
        self._upper = upper
        self._folder(b"")
        copy_attributes(self._tree, upper)
        # Deepest first: what is put into a directory changes its time.
        for inside in sorted(self._folders, key=lambda path: path.count(b"/"), reverse=True):
            copy_attributes(self._tree + inside, upper + inside)
        return self._put

    def _folder(self, inside: bytes) -> None:
        """Put what differs in a directory that was there before."""
        seen: set[bytes] = set()
        with os.scandir(self._tree + inside) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if not _is_kept(found):
                    continue
                seen.add(entry.name)
                self._entry(inside + b"/" + entry.name, found)
        for name in self._before.names.get(inside, ()):
            if name not in seen:
                self._hide(inside + b"/" + name)

    def _entry(self, path: bytes, found: os.stat_result) -> None:
        old = self._before.states.get(path)
        if not stat.S_ISDIR(found.st_mode):
            if old is None or not self._same(path, old, found):
                self._copy(path, found)
            return
        if old is None or old[0].inode != found.st_ino or not stat.S_ISDIR(old[0].mode):
            self._whole(path, hides=old is not None)
            return
        self._folder(path)
        if not self._same(path, old, found):
            self._make(path)

    def _same(self, path: bytes, old: tuple[State, int], found: os.stat_result) -> bool:
        state, ctime_ns = old
        if state != State.of(found):
            return False
        if ctime_ns == found.st_ctime_ns:
            return True
        original = find_in(self._layers, path)
        return original is not None and _equal(original, self._tree + path)

    def _whole(self, path: bytes, *, hides: bool) -> None:
        """Put a directory that is new with all that is in it."""
        self._make(path)
        if hides:
            os.setxattr(self._upper + path, OPAQUE, b"y")
        with os.scandir(self._tree + path) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    self._whole(path + b"/" + entry.name, hides=False)
                elif _is_kept(found):
                    self._copy(path + b"/" + entry.name, found)

    def _make(self, inside: bytes) -> None:
        """Make a directory in the upper, and those above it; they look as in the tree."""
        if not inside or inside in self._put:
            return
        self._make(inside.rpartition(b"/")[0])
        os.mkdir(self._upper + inside, 0o700)
        self._put[inside] = None
        self._folders.append(inside)

    def _copy(self, path: bytes, found: os.stat_result) -> None:
        self._make(path.rpartition(b"/")[0])
        copy_entry(self._tree + path, self._upper + path, found, self._links)
        self._put[path] = State.of(os.lstat(self._upper + path))

    def _hide(self, path: bytes) -> None:
        if find_in(self._layers, path) is not None:
            self._make(path.rpartition(b"/")[0])
            make_whiteout(self._upper + path)


def _is_kept(found: os.stat_result) -> bool:
    """Say whether a layer can have it: a whiteout of the command's own would hide something."""
    return not (is_whiteout(found) or stat.S_ISSOCK(found.st_mode))


def _equal(original: bytes, path: bytes) -> bool:
    """Say whether contents and extended attributes are the same; the states are."""
    mode = os.lstat(path).st_mode
    if attributes(original) != attributes(path):
        return False
    if stat.S_ISREG(mode):
        return _same_bytes(original, path)
    return not stat.S_ISLNK(mode) or os.readlink(original) == os.readlink(path)


def _same_bytes(first: bytes, second: bytes) -> bool:
    with open(first, "rb") as one, open(second, "rb") as other:  # noqa: PTH123 - names in bytes
        while True:
            data = one.read(_PIECE)
            if data != other.read(_PIECE):
                return False
            if not data:
                return True
