"""What is different between two folders, and doing the same to a third."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.solve.copying import Attributes, Copier
from keelway.engine.solve.trees import real_path

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from keelway.engine.graph.changes import ApplyChanges
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.views import Views


@dataclass(slots=True, kw_only=True)
class Changes:
    """Relative paths in lexical order; those of directories end in a slash."""

    added: list[str] = field(default_factory=list[str])
    modified: list[str] = field(default_factory=list[str])
    """Files and links only; what became of another kind is removed and added."""
    removed: list[str] = field(default_factory=list[str])
    """Everything, also what was in directories that are gone."""

    @property
    def removed_tops(self) -> list[str]:
        """What is removed, without what was in it."""
        tops: list[str] = []
        for path in self.removed:
            if not (tops and tops[-1].endswith("/") and path.startswith(tops[-1])):
                tops.append(path)
        return tops

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.added or self.modified or self.removed)


def compare(old: Path, new: Path) -> Changes:
    """Return what leads from one folder to another: contents, kinds, whether files can be run."""
    changes = Changes()
    _compare(old, new, "", changes)
    for paths in (changes.added, changes.modified, changes.removed):
        paths.sort()
    return changes


def _compare(old: Path, new: Path, below: str, changes: Changes) -> None:
    before, after = _entries(old), _entries(new)
    for name in before.keys() | after.keys():
        path = f"{below}{name}"
        was, now = before.get(name), after.get(name)
        if was is not None and now is not None and _kind(was) == _kind(now):
            if stat.S_ISDIR(now.st_mode):
                _compare(old / name, new / name, f"{path}/", changes)
            elif not _same(old / name, was, new / name, now):
                changes.modified.append(path)
            continue
        if was is not None:
            _all(old / name, path, was, changes.removed)
        if now is not None:
            _all(new / name, path, now, changes.added)


def _entries(folder: Path) -> dict[str, os.stat_result]:
    with os.scandir(folder) as found:
        return {entry.name: entry.stat(follow_symlinks=False) for entry in found}


def _kind(state: os.stat_result) -> int:
    return stat.S_IFMT(state.st_mode)


def _same(old: Path, was: os.stat_result, new: Path, now: os.stat_result) -> bool:
    if stat.S_ISLNK(now.st_mode):
        return old.readlink() == new.readlink()
    if bool(was.st_mode & 0o111) != bool(now.st_mode & 0o111):
        return False
    if not stat.S_ISREG(now.st_mode):
        return True
    return was.st_size == now.st_size and filecmp.cmp(old, new, shallow=False)


def _all(top: Path, path: str, state: os.stat_result, found: list[str]) -> None:
    if not stat.S_ISDIR(state.st_mode):
        found.append(path)
        return
    found.append(f"{path}/")
    for name, inner in _entries(top).items():
        _all(top / name, f"{path}/{name}", inner, found)


@contextmanager
def folder(views: Views, snapshot: Snapshot, path: str) -> Generator[Path]:
    """Give the real path of a directory of a snapshot for the time of the block.

    Raises:
        EngineError: It is not there, or is something else.
    """
    with views.reading(snapshot) as view, Root(view) as root:
        where = real_path(root, path)
        if not where.is_dir():
            raise EngineError(f"path {path} is a file, not a directory")
        yield where


def apply_changes(step: Step, op: ApplyChanges) -> Snapshot:
    """Return the first input with the changes from the second to the third.

    Raises:
        EngineError: They can't be read or done.
    """
    with (
        folder(step.views, step.inputs[1], op.before) as before,
        folder(step.views, step.inputs[2], op.after) as after,
        step.views.writing(step.inputs[0]) as writing,
        Root(writing.root) as root,
    ):
        do(compare(before, after), after, root, op.path)
    return writing.result


def do(changes: Changes, after: Path, root: Root, top: str) -> None:
    """Remove, make and replace below `top` of a root what the changes say."""
    for path in changes.removed_tops:
        remove(root, f"{top}/{path}")
    copier = Copier(root, Attributes())
    for path in changes.added:
        if path.endswith("/"):
            state = (after / path).stat()
            root.mkdir_all(f"{top}/{path}", mode=stat.S_IMODE(state.st_mode))
    for path in (*changes.added, *changes.modified):
        if not path.endswith("/"):
            copier.file(after / path, f"{top}/{path}")


def remove(root: Root, path: str) -> None:
    """Remove what is at a path, if anything is; its last name is not followed."""
    path = path.rstrip("/")
    if not root.exists(path, follow=False):
        return
    parent, _, name = path.rpartition("/")
    where = root.path / str(root.resolve(parent or "/")).lstrip("/") / name
    if where.is_dir() and not where.is_symlink():
        shutil.rmtree(where)
    else:
        where.unlink()


def do_on_host(changes: Changes, after: Path, dest: Path) -> None:
    """Do the changes to a folder of the host, which is made when it is missing.

    Raises:
        EngineError: The host does not allow it.
    """
    try:
        dest.mkdir(parents=True, exist_ok=True)
        with Root(dest) as root:
            do(changes, after, root, "")
    except OSError as error:
        raise EngineError(f"export to {dest}: {error.strerror or error}") from error
