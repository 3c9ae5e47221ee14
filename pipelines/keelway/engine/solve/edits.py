"""Operations that change a tree: each works on its mounted view, the change becomes a layer."""

from __future__ import annotations

import fnmatch
import glob
import os
import posixpath
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import copies, ops
from keelway.engine.run import users
from keelway.engine.run.inroot import Root
from keelway.engine.solve.copying import Attributes, Copier, Everything
from keelway.engine.solve.direct import new_file
from keelway.engine.solve.dockercopy import DockerCopier
from keelway.engine.solve.links import Links
from keelway.engine.solve.replacing import replace_text
from keelway.engine.solve.trees import real_path
from keelway.engine.store.gitignore import GitIgnore
from keelway.engine.store.patterns import Selection
from keelway.engine.store.space import disk_error

if TYPE_CHECKING:
    from keelway.engine.solve.copying import Wanted
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.views import Writing


def edited(step: Step) -> Snapshot:
    """Return the first input as the operation leaves it.

    Raises:
        EngineError: The operation failed.
    """
    try:
        made = new_file(step, step.op) if isinstance(step.op, ops.NewFile) else None
    except OSError as error:
        raise EngineError(_os_error(error)) from error
    if made is not None:
        return made
    with step.views.writing(step.inputs[0]) as writing, Root(writing.root) as root:
        try:
            _edit(step, root, writing)
        except OSError as error:
            raise disk_error(error) or EngineError(_os_error(error)) from error
    return writing.result


def _edit(  # noqa: C901, PLR0912 - one case an operation
    step: Step, root: Root, writing: Writing
) -> None:
    match step.op:
        case ops.NewFile() as op:
            _new_file(step, op, root)
        case ops.NewDirectory() as op:
            _new_directory(step, op, root)
        case ops.CopyTree() as op:
            _copy_tree(step, op, root, writing)
        case ops.CopyFile() as op:
            _copy_file(step, op, root, writing)
        case copies.DockerCopy() as op:
            _docker_copy(step, op, root, writing)
        case ops.Remove() as op:
            _remove(op, root)
        case ops.Symlink() as op:
            root.mkdir_all(posixpath.dirname(op.path))
            root.symlink(op.target, op.path)
        case ops.Chown() as op:
            _chown(step, op, root)
        case ops.Timestamps() as op:
            _timestamps(op, root)
        case ops.Replaced() as op:
            replace_text(op, real_path(root, op.path))
        case op:
            raise AssertionError(f"{type(op).__name__} is no edit")


def _os_error(error: OSError) -> str:
    text = (error.strerror or str(error)).lower()
    if isinstance(error.filename, (str, bytes)):
        name = posixpath.basename(os.fsdecode(error.filename))
        return f"{name}: {text}" if name else text
    return text


def _owner(step: Step, owner: str, number: int, root: Root) -> tuple[int, int] | None:
    """Return uid and gid of an owner; without a group the gid is the uid's number."""
    if not owner:
        return None
    if number == 0:
        user = users.lookup(root, owner, fallback_gid="same")
    else:
        with step.views.reading(step.inputs[number]) as view, Root(view) as other:
            user = users.lookup(other, owner, fallback_gid="same")
    return user.uid, user.gid


def _new_file(step: Step, op: ops.NewFile, root: Root) -> None:
    uid, gid = _owner(step, op.owner, op.owner_input, root) or (None, None)
    path = op.path
    if op.placed and root.is_dir(path):
        path = posixpath.join(path, posixpath.basename(path))
    root.mkdir_all(posixpath.dirname(path))
    if root.is_dir(path):
        raise EngineError(f"open {path}: is a directory")
    if op.placed and root.exists(path, follow=False):
        with root.parent(path) as (directory, name):
            os.unlink(name, dir_fd=directory)
    keep = op.keep_mode and root.exists(path)
    root.write_file(path, op.contents, mode=None if keep else op.mode, uid=uid, gid=gid)


def _new_directory(step: Step, op: ops.NewDirectory, root: Root) -> None:
    uid, gid = _owner(step, op.owner, op.owner_input, root) or (None, None)
    root.mkdir_all(op.path, mode=op.mode, uid=uid, gid=gid)


def _copy_tree(step: Step, op: ops.CopyTree, root: Root, writing: Writing) -> None:
    attributes = Attributes(owner=_owner(step, op.owner, op.owner_input, root), mode=op.mode)
    with step.views.reading(step.inputs[1]) as view, Root(view) as tree:
        source = real_path(tree, op.source)
        if not source.is_dir():
            raise EngineError(f"path {op.source} is a file, not a directory")
        wanted: Wanted = Everything()
        if op.include or op.exclude or op.gitignore:
            wanted = _wanted(op, source, tree.path)
        links = _links(step, 1, view, writing)
        Copier(root, attributes, links, replacing=True).tree(source, op.dest, wanted)


class _NotIgnored:
    """What the patterns and the folder's own `.gitignore` files leave."""

    def __init__(self, source: Path, top: Path, patterns: Selection) -> None:
        self._source = source
        self._patterns = patterns
        self._ignored = GitIgnore(source, top=top)

    def takes(self, path: str) -> bool:
        return self._patterns.takes(path) and not self._is_ignored(path)

    def enters(self, path: str) -> bool:
        return self._patterns.enters(path) and not self._is_ignored(path)

    def _is_ignored(self, path: str) -> bool:
        return self._ignored.ignores(path, directory=(self._source / path).is_dir())


def _wanted(op: ops.CopyTree, source: Path, top: Path) -> Wanted:
    patterns = Selection(op.include, op.exclude)
    return _NotIgnored(source, top, patterns) if op.gitignore else patterns


def _copy_file(step: Step, op: ops.CopyFile, root: Root, writing: Writing) -> None:
    attributes = Attributes(owner=_owner(step, op.owner, op.owner_input, root), mode=op.mode)
    with step.views.reading(step.inputs[1]) as view, Root(view) as tree:
        source = real_path(tree, op.source)
        if source.is_dir():
            raise EngineError(f"path {op.source} is a directory, not a file")
        dest = op.dest
        if dest.endswith("/"):  # the folder itself is the owner's, those above it are not
            uid, gid = attributes.owner or (None, None)
            root.mkdir_all(posixpath.dirname(dest.rstrip("/")) or "/")
            root.mkdir_all(dest, uid=uid, gid=gid)
        if dest.endswith("/") or not dest or root.is_dir(dest):
            dest = posixpath.join(dest or "/", posixpath.basename(op.source))
        links = _links(step, 1, view, writing)
        Copier(root, attributes, links, replacing=True).file(source, dest)


def _docker_copy(step: Step, op: copies.DockerCopy, root: Root, writing: Writing) -> None:
    try:
        owner = _owner(step, op.owner, op.owner_input, root)
    except EngineError as error:
        raise EngineError(f"{op.where}: {error}" if op.where else str(error)) from error
    new_work = partial(step.machine.store.new_work, "add")
    for part in op.parts:
        with step.views.reading(step.inputs[part.input]) as view, Root(view) as tree:
            links = _links(step, part.input, view, writing)
            DockerCopier(op, part, tree, root, owner=owner, links=links, new_work=new_work).run()


def _links(step: Step, number: int, source: Path, writing: Writing) -> Links | None:
    """Return what links files of an input, which is mounted at `source`, into what is written."""
    if not writing.is_layered():
        return None
    links = Links(step.views.lowers(step.inputs[number]), source, writing.root)
    writing.clean.append(links.finish)
    return links


def _remove(op: ops.Remove, root: Root) -> None:
    for path in op.paths:
        for found in _matching(root, path):
            where = root.path / found.lstrip("/")
            if where.is_dir() and not where.is_symlink():
                if found.strip("/"):
                    shutil.rmtree(where)
                else:
                    _empty(where)
            else:
                where.unlink(missing_ok=True)


def _empty(folder: Path) -> None:
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _matching(root: Root, path: str) -> list[str]:
    """Return the real paths that a path names; its last part is never followed.

    It is a pattern if it has a `*`. Each folder on the way is resolved inside the root: a link in
    the tree leads nowhere else.
    """
    parts = [part for part in path.split("/") if part]
    if not parts:
        return ["/"]
    named = _matched if "*" in path else _named
    folders = ["/"]
    for part in parts[:-1]:
        below = [
            f"{folder.rstrip('/')}/{name}"
            for folder in folders
            for name in named(root, folder, part)
        ]
        folders = [str(root.resolve(found)) for found in below if root.is_dir(found)]
    return [
        posixpath.join(folder, name)
        for folder in dict.fromkeys(folders)
        for name in named(root, folder, parts[-1])
    ]


def _named(root: Root, folder: str, part: str) -> list[str]:
    """Return the name if a folder has it."""
    return [part] if root.exists(posixpath.join(folder, part), follow=False) else []


def _matched(root: Root, folder: str, part: str) -> list[str]:
    """Return the names in a folder that one part of a pattern means."""
    if not glob.has_magic(part):
        return _named(root, folder, part)
    return [name for name in root.names(folder) if fnmatch.fnmatchcase(name, part)]


def _chown(step: Step, op: ops.Chown, root: Root) -> None:
    uid, gid = _owner(step, op.owner, op.owner_input, root) or (-1, -1)
    for path in _below(real_path(root, op.path)):
        os.chown(path, uid, gid, follow_symlinks=False)


def _timestamps(op: ops.Timestamps, root: Root) -> None:
    # Bottom up: setting a time in a folder would change the folder's own.
    for path in reversed(_below(real_path(root, op.path))):
        os.utime(path, (op.seconds, op.seconds), follow_symlinks=False)


def _below(top: Path) -> list[Path]:
    """Return a path and everything below it, folders before what is in them."""
    found = [top]
    if not top.is_dir():
        return found
    for folder, names, files in os.walk(top):
        found.extend(Path(folder, name) for name in (*names, *files))
    return found
