"""How the layers of a snapshot become one tree: mounted here, copied where nothing is mounted.

`Overlays` is the one for every machine with namespaces; `solve/copied.py` has the other.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from keelway.engine.run.overlay import mount_overlay

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from keelway.engine.solve.result import Snapshot


class Tree(Protocol):
    """The tree of a snapshot while it is written to."""

    @property
    def root(self) -> Path:
        """Where it is."""
        ...

    def keep(self, upper: Path) -> None:
        """See to it that `upper`, which was empty, has what was written: that will be a layer."""
        ...

    def became(self, snapshot: Snapshot, layers: Sequence[Path]) -> None:
        """Hear what snapshot, of which layers, the tree has become; called after `keep`."""
        ...


class Snapshotter(Protocol):
    """Makes trees of layers; threads share it."""

    guards: bool
    """A tree for reading can be shown to a command, which can't write to it."""

    def reading(
        self, snapshot: Snapshot, lowers: Sequence[Path], place: Path
    ) -> AbstractContextManager[Path]:
        """Have a tree to look at: of `lowers`, bottom first. `place` is an empty directory."""
        ...

    def writing(
        self, snapshot: Snapshot, lowers: Sequence[Path], place: Path, upper: Path
    ) -> AbstractContextManager[Tree]:
        """Have a tree to write to; `upper` is empty, and has the owner and mode of the tree."""
        ...

    def close(self) -> None:
        """Give back what is kept between operations."""
        ...


class _Mounted:
    """An overlay: what is written goes to its upper in any case."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, upper: Path) -> None:
        """Do nothing."""

    def became(self, snapshot: Snapshot, layers: Sequence[Path]) -> None:
        """Do nothing."""


class Overlays:
    """Layers mounted by the kernel: nothing is copied."""

    guards = True

    @contextmanager
    def reading(self, snapshot: Snapshot, lowers: Sequence[Path], place: Path) -> Generator[Path]:
        """Mount a snapshot read-only."""
        del snapshot
        with mount_overlay(lowers, upper=None, work=None, target=place):
            yield place

    @contextmanager
    def writing(
        self, snapshot: Snapshot, lowers: Sequence[Path], place: Path, upper: Path
    ) -> Generator[Tree]:
        """Mount a snapshot with a fresh layer on top."""
        del snapshot
        work, root = place / "work", place / "root"
        work.mkdir()
        root.mkdir()
        with mount_overlay(lowers, upper=upper, work=work, target=root):
            yield _Mounted(root)

    def close(self) -> None:
        """Do nothing: mounts end with their blocks."""
