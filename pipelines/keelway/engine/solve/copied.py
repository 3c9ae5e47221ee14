"""Snapshots as plain directories, for where nothing can be mounted: copied, compared, used again.

A tree that a step has written to is the tree that the next step of the chain starts with: so a
chain copies its base once, and after that a step costs a look at each file before and after. What
a step changed is copied from the tree into a layer, as overlayfs would have it.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.store.merged import copy_entry, find_in, merge_into, remove
from keelway.engine.store.record import Changes, Record, State
from keelway.engine.store.squash import copy_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from keelway.engine.solve.result import Snapshot
    from keelway.engine.store.store import Store

_KEPT = 6
"""Trees that are kept beside those in use. Each may be as large as an image."""


@dataclass(slots=True)
class _Kept:
    """A tree as its snapshot has it, which nobody writes to."""

    home: Path
    record: Record | None
    readers: int = 0

    @property
    def root(self) -> Path:
        return self.home / "root"


class Copies:
    """Trees copied from their layers, some of them kept for the next who needs the same."""

    guards = False

    def __init__(self, store: Store) -> None:
        """Keep the trees among the work of the store's session."""
        self._store = store
        self._lock = threading.Lock()
        self._kept: OrderedDict[Snapshot, _Kept] = OrderedDict()

    @contextmanager
    def reading(self, snapshot: Snapshot, lowers: Sequence[Path], place: Path) -> Generator[Path]:
        """Have a copy to look at, together with all others who look at the same."""
        del place
        with self._lock:
            found = self._kept.get(snapshot)
            if found is not None:
                found.readers += 1
        if found is None:
            found = _Kept(home=self._copy(lowers), record=None, readers=1)
            self._keep(snapshot, found)
        try:
            yield found.root
        finally:
            with self._lock:
                found.readers -= 1
                forgotten = not found.readers and self._kept.get(snapshot) is not found
            if forgotten:
                self._store.discard(found.home)

    @contextmanager
    def writing(
        self, snapshot: Snapshot, lowers: Sequence[Path], place: Path, upper: Path
    ) -> Generator[_Writable]:
        """Have a copy alone."""
        del place, upper
        found = self._take(snapshot) or _Kept(home=self._copy(lowers), record=None)
        tree = _Writable(found, lowers, self._keep)
        try:
            yield tree
        finally:
            if not tree.is_kept:
                self._store.discard(found.home)

    def close(self) -> None:
        """Delete the trees."""
        with self._lock:
            kept, self._kept = self._kept, OrderedDict()
        for found in kept.values():
            self._store.discard(found.home)

    def _copy(self, lowers: Sequence[Path]) -> Path:
        home = self._store.new_work("tree")
        root = home / "root"
        root.mkdir()
        root.chmod(0o755)
        merge_into([os.fsencode(path) for path in lowers], os.fsencode(root))
        return home

    def _take(self, snapshot: Snapshot) -> _Kept | None:
        """Return the kept tree, no longer kept, unless somebody looks at it."""
        with self._lock:
            found = self._kept.get(snapshot)
            if found is None or found.readers:
                return None
            return self._kept.pop(snapshot)

    def _keep(self, snapshot: Snapshot, tree: _Kept) -> None:
        """Keep a tree; the one that was least recently made gives way."""
        with self._lock:
            old = [self._kept.pop(snapshot)] if snapshot in self._kept else []
            self._kept[snapshot] = tree
            while len(self._kept) > _KEPT:
                old.append(self._kept.popitem(last=False)[1])
            unused = [one for one in old if not one.readers]
        for one in unused:
            self._store.discard(one.home)


class _Writable:
    """A tree of one writer, and what it was before."""

    def __init__(
        self, tree: _Kept, lowers: Sequence[Path], keep: Callable[[Snapshot, _Kept], None]
    ) -> None:
        self.root = tree.root
        self.is_kept = False
        self._tree = tree
        self._lowers = [os.fsencode(path) for path in lowers]
        self._keep = keep
        self._before = tree.record or Record.of(os.fsencode(tree.root))
        self._put: Mapping[bytes, State | None] = {}

    def keep(self, upper: Path) -> None:
        """Write what has changed as a layer."""
        changes = Changes(os.fsencode(self.root), self._before, self._lowers)
        self._put = changes.write(os.fsencode(upper))
        self.is_kept = True

    def became(self, snapshot: Snapshot, layers: Sequence[Path]) -> None:
        """Keep the tree for the next step, exactly as the layers have it."""
        stack = [os.fsencode(path) for path in layers]
        tree = os.fsencode(self.root)
        for inside in sorted(self._put, reverse=True):
            _settle(tree, inside, self._put[inside], stack)
        self._keep(snapshot, _Kept(home=self._tree.home, record=None))


def _settle(tree: bytes, inside: bytes, put: State | None, stack: Sequence[bytes]) -> None:
    """Undo in the tree what was taken out of its new layer: what was there for the command only."""
    original = find_in(stack, inside)
    path = tree + inside
    if original is None:
        remove(path)
        return
    found = os.lstat(original)
    if stat.S_ISDIR(found.st_mode):
        copy_attributes(original, path)
    elif State.of(found) != put:
        remove(path)
        copy_entry(original, path, found, {})
