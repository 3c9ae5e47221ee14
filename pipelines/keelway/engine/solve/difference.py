"""What one tree adds to another, as a tree of its own."""

from __future__ import annotations

import filecmp
import os
import stat as stat_module
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.run.inroot import Root
from keelway.engine.solve.copying import Attributes, Copier
from keelway.engine.solve.trees import real_path

if TYPE_CHECKING:
    from keelway.engine.graph.ops import Difference
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step


class _Changed:
    """The paths that differ, and the folders that lead to them."""

    def __init__(self, paths: set[str]) -> None:
        self._paths = paths
        self._above = {path[:at] for path in paths for at in range(len(path)) if path[at] == "/"}

    def takes(self, path: str) -> bool:
        return path in self._paths

    def enters(self, path: str) -> bool:
        return path in self._above


def difference(step: Step, op: Difference) -> Snapshot:
    """Return what the second input adds to, or changes of, the first; removals do not show."""
    with (
        step.views.reading(step.inputs[0]) as old_view,
        step.views.reading(step.inputs[1]) as new_view,
        Root(old_view) as old_root,
        Root(new_view) as new_root,
        step.views.writing(()) as writing,
        Root(writing.root) as root,
    ):
        old, new = real_path(old_root, op.lower), real_path(new_root, op.upper)
        changed = _Changed(set(_differing(old, new, "")))
        Copier(root, Attributes()).tree(new, "/", changed)
    return writing.result


def _differing(old: Path | None, new: Path, below: str) -> list[str]:
    """Return what differs below two folders; without an old one, everything."""
    found: list[str] = []
    with os.scandir(new) as listed:
        entries = list(listed)
    for entry in entries:
        path = f"{below}{entry.name}"
        before = None if old is None else old / entry.name
        if before is None or not _same(before, Path(entry.path)):
            found.append(path)
        if entry.is_dir(follow_symlinks=False):
            # A link to a folder is none: what it leads to is not in the tree.
            real = before is not None and before.is_dir() and not before.is_symlink()
            found.extend(_differing(before if real else None, Path(entry.path), f"{path}/"))
    return found


def _same(old: Path, new: Path) -> bool:
    try:
        a = old.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    b = new.lstat()
    if (a.st_mode, a.st_uid, a.st_gid) != (b.st_mode, b.st_uid, b.st_gid):
        return False
    if stat_module.S_ISLNK(a.st_mode):
        return old.readlink() == new.readlink()
    if stat_module.S_ISREG(a.st_mode):
        return a.st_size == b.st_size and filecmp.cmp(old, new, shallow=False)
    return True
