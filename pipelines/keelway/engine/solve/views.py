"""Snapshots as directories that can be read or written.

A snapshot is a list of layer directories; a view mounts them as one tree. A long list is mounted
with runs of its layers squashed, so that neither the mount nor a look-up in it grows with the
number of steps that made it. Squashed layers serve views only: images keep one layer a step.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.solve.result import layer_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.snapshotter import Snapshotter
    from keelway.engine.store.store import Store

RUN = 32
"""Layers that are squashed into one, once there are that many more on top of a run."""


@dataclass(slots=True)
class Writing:
    """A tree being written: `root` is the merged view, `upper` what differs from `base`."""

    base: Snapshot
    root: Path
    upper: Path
    clean: list[Callable[[Path], None]] = field(default_factory=list)
    """Called with the unmounted upper: they take out what must not become part of the layer."""
    discard: bool = False
    """Throw away what was written."""
    result: Snapshot = ()
    """The new snapshot; set when the view is closed without an error."""

    def is_layered(self) -> bool:
        """Say whether the upper directory gets at once what is written to the tree."""
        return self.root.is_mount() or self.root.samefile(self.upper)


class Views:
    """Makes trees of the snapshots of one store."""

    def __init__(self, store: Store, snapshotter: Snapshotter) -> None:
        """Keep the store that has the layers, and how they become one tree."""
        self._store = store
        self._snapshotter = snapshotter
        self._squashed: dict[Snapshot, Path] = {}
        self._paths: dict[str, Path] = {}

    def path(self, layer: str) -> Path:
        """Return the directory of a layer or of the part of it that the name says."""
        known = self._paths.get(layer)
        if known is None:
            known = self._paths[layer] = self._store.layers.path(layer)
        return known

    def lowers(self, snapshot: Snapshot) -> list[Path]:
        """Return the directories to mount, bottom first: full runs squashed, the rest as it is."""
        runs = len(snapshot) // RUN
        if runs == 0 or len(snapshot) <= RUN + RUN // 2:
            return [self.path(layer) for layer in snapshot]
        lowers: list[Path] = []
        for number in range(runs):
            start = number * RUN
            lowers.append(self._squashed_run(snapshot[: start + RUN], start))
        return [*lowers, *(self.path(layer) for layer in snapshot[runs * RUN :])]

    def _squashed_run(self, snapshot: Snapshot, start: int) -> Path:
        """Return the layers from `start` on as one directory, to lie on those before."""
        known = self._squashed.get(snapshot)
        if known is None:
            squashed = self._store.layers.squash(snapshot[start:], below=snapshot[:start])
            known = self._squashed[snapshot] = self._store.layers.path(squashed)
        return known

    @contextmanager
    def reading(self, snapshot: Snapshot) -> Generator[Path]:
        """Mount the snapshot read-only for the time of the block.

        A snapshot of one layer needs no mount: its directory is the tree.
        """
        if len(snapshot) == 1:
            yield self.path(snapshot[0])
            return
        work = self._store.new_work("view")
        try:
            if not snapshot:
                yield work
                return
            with self._snapshotter.reading(snapshot, self.lowers(snapshot), work) as tree:
                yield tree
        finally:
            self._store.discard(work)

    @contextmanager
    def shown(self, snapshot: Snapshot) -> Generator[Path]:
        """Have a tree that a command may be shown: what it writes there reaches nobody."""
        if self._snapshotter.guards:
            with self.reading(snapshot) as tree:
                yield tree
        else:
            with self.writing(snapshot) as writing:
                writing.discard = True
                yield writing.root

    @contextmanager
    def writing(self, snapshot: Snapshot) -> Generator[Writing]:
        """Have the snapshot's tree with a fresh layer; keep that layer if the block succeeds."""
        home = self._store.new_work("step")
        upper = home / "upper"
        try:
            upper.mkdir()
            lowers = self.lowers(snapshot)
            dress_root(lowers[-1] if lowers else None, upper)
            with self._snapshotter.writing(snapshot, lowers, home, upper) as tree:
                writing = Writing(base=snapshot, root=tree.root, upper=upper)
                yield writing
                if writing.discard:
                    writing.result = snapshot
                else:
                    tree.keep(upper)
            if writing.discard:
                return
            for clean in writing.clean:
                clean(upper)
            writing.result = self._keep(snapshot, upper, lowers)
            tree.became(writing.result, [self.path(layer) for layer in writing.result])
        finally:
            self._store.discard(home)

    def _keep(self, snapshot: Snapshot, upper: Path, lowers: list[Path]) -> Snapshot:
        with os.scandir(upper) as entries:
            empty = next(entries, None) is None
        if empty and (not lowers or _root_of(lowers[-1]) == _root_of(upper)):
            return snapshot
        return (*snapshot, self._store.layers.commit(upper))

    def subtree(self, snapshot: Snapshot, path: str) -> Snapshot:
        """Return the snapshot of the directory at `path`: parts of the layers, nothing copied.

        `path` must have no symbolic links left in it. What a layer hides of those below it (a
        whiteout, an opaque directory, a file in the way) ends the search.
        """
        parts = [part for part in path.split("/") if part]
        found: list[str] = []
        for layer in reversed(snapshot):
            part, hides = _part(self.path(layer), parts)
            if part:
                found.append("/".join((layer, *parts)))
            if hides:
                break
        return tuple(reversed(found))

    def whole(self, layer: str) -> str:
        """Return a layer of the store that is equal to a part of one."""
        if layer_id(layer) == layer:
            return layer
        return self._store.layers.copy_part(*layer.split("/", 1))


def _root_of(path: Path | bytes) -> tuple[int, int, int]:
    found = os.lstat(path)
    return (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def dress_root(lower: Path | bytes | None, upper: Path) -> None:
    """Give the new top directory the owner, mode and times of the one that it will cover."""
    if lower is None:
        upper.chmod(0o755)
        return
    mode, uid, gid = _root_of(lower)
    os.chown(upper, uid, gid)
    upper.chmod(mode)
    state = os.lstat(lower)
    os.utime(upper, ns=(state.st_atime_ns, state.st_mtime_ns))


def _part(root: Path, parts: list[str]) -> tuple[bool, bool]:
    """Say whether a layer has the directory, and whether it hides what lies below."""
    path = root
    hides = False
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return False, hides
        if not stat.S_ISDIR(mode):
            return False, True
        hides = hides or _opaque(path)
    return True, hides


def _opaque(path: Path) -> bool:
    try:
        return os.getxattr(path, "user.overlay.opaque") == b"y"
    except OSError:
        return False
