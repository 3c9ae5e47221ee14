"""Questions about trees, and trees written to the host."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import posixpath
import shutil
import stat as stat_module
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.run.users import is_numeric, lookup
from keelway.engine.solve.content import Selection
from keelway.engine.solve.copying import copy_contents
from keelway.engine.solve.globs import glob

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import BinaryIO

    from keelway.engine.graph.node import Node
    from keelway.engine.solve.solver import Solver

_KINDS = {
    stat_module.S_IFREG: "REGULAR",
    stat_module.S_IFDIR: "DIRECTORY",
    stat_module.S_IFLNK: "SYMLINK",
}


_PERMISSIONS = 0o777


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What is known of a path; `permissions` say who may read, write and execute."""

    name: str
    size: int
    file_type: str
    permissions: int


class Trees:
    """Looks into the trees that a solver evaluates."""

    def __init__(self, solver: Solver) -> None:
        """Evaluate with this solver."""
        self._solver = solver
        self._exports: dict[Path, threading.Lock] = {}
        """For each file of the host that was written to: one export at a time."""

    @contextlib.contextmanager
    def root(self, node: Node) -> Generator[Root]:
        """Evaluate a tree and open it for reading."""
        snapshot = self._solver.evaluate(node).snapshot
        with self._solver.views.reading(snapshot) as path, Root(path) as root:
            yield root

    @contextlib.contextmanager
    def opened(self, node: Node, path: str) -> Generator[Path]:
        """Give the real path of a file or directory for the time of the block.

        Raises:
            EngineError: There is nothing at the path.
        """
        with self.root(node) as root:
            yield real_path(root, path)

    def entries(self, node: Node, path: str, *, shown: str) -> list[str]:
        """Return the sorted names in a directory, those of directories with a slash."""
        with self.root(node) as root:
            where = real_path(root, path, shown=shown)
            if not where.is_dir():
                raise EngineError(f"path {shown} is a file, not a directory")
            with os.scandir(where) as found:
                entries = sorted(found, key=lambda entry: entry.name)  # the slash does not count
                return [entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries]

    def glob(self, node: Node, path: str, pattern: str) -> list[str]:
        """Return the paths below `path` that match, directories with a slash.

        What is in a directory comes behind it; beside each other, names are in lexical order.
        """
        matches = glob(pattern)
        with self.root(node) as root:
            top = real_path(root, path)
            found: list[str] = []
            for folder, names, files in os.walk(top):
                names.sort()
                base = Path(folder).relative_to(top).as_posix()
                for name in [*names, *files]:
                    relative = name if base == "." else f"{base}/{name}"
                    if matches(relative):
                        real = name in names and not Path(folder, name).is_symlink()
                        found.append(relative + "/" * real)
            return sorted(found, key=lambda name: name.rstrip("/").split("/"))

    def exists(self, node: Node, path: str, *, kind: str | None, follow: bool) -> bool:
        """Say whether there is something at a path; `kind` is an `ExistsType`.

        Raises:
            EngineError: What the path leads through is no directory, or links without end.
        """
        with self.root(node) as root:
            try:
                links = kind is not None and kind.startswith("SYMLINK")
                found = root.stat(path) if follow and not links else root.lstat(path)
            except FileNotFoundError:
                return False
            except OSError as error:
                raise EngineError(f"lstat {_reason(path.lstrip('/'), error)}") from error
        if kind is None:
            return True
        return _KINDS.get(stat_module.S_IFMT(found.st_mode), "") == kind.removesuffix("_TYPE")

    def stat(self, node: Node, path: str, *, follow: bool) -> Stat:
        """Return what is known of a path.

        Raises:
            EngineError: There is nothing.
        """
        with self.root(node) as root:
            try:
                found = root.stat(path) if follow else root.lstat(path)
                name = root.resolve(path).name if follow else posixpath.basename(path)
            except OSError as error:
                raise EngineError(f"stat {_reason(path.lstrip('/'), error)}") from error
        return Stat(
            name=name,
            size=found.st_size,
            file_type=_KINDS.get(stat_module.S_IFMT(found.st_mode), "UNKNOWN"),
            permissions=stat_module.S_IMODE(found.st_mode) & _PERMISSIONS,
        )

    def owner(self, node: Node, owner: str) -> str:
        """Return `uid:gid` of an owner whose names the tree's passwd and group files tell.

        One that has no names is returned as it is, and the tree is not asked for.

        Raises:
            EngineError: They tell of no such user or group.
        """
        if is_numeric(owner):
            return owner
        with self.root(node) as root:
            user = lookup(root, owner, fallback_gid="same")
        return f"{user.uid}:{user.gid}"

    def read(self, node: Node, path: str, *, shown: str = "") -> bytes:
        """Return the contents of a file.

        Raises:
            EngineError: There is none.
        """
        with self.file(node, path, shown=shown) as file:
            return file.read()

    @contextlib.contextmanager
    def file(self, node: Node, path: str, *, shown: str = "") -> Generator[BinaryIO]:
        """Give an open file for the time of the block; errors tell its path as it is `shown`.

        Raises:
            EngineError: There is none.
        """
        with self.root(node) as root:
            where = real_path(root, path, shown=shown)
            if where.is_dir():
                raise EngineError(f"path {shown or path} is a directory, not a file")
            if not where.is_file():
                raise EngineError(f"{shown or path}: not a regular file")
            with where.open("rb") as file:
                yield file

    def digest(self, node: Node, path: str) -> str:
        """Return the digest of a file or directory: names, modes, owners, contents."""
        snapshot = self._solver.evaluate(node).snapshot
        found = self._solver.contents.digest(snapshot, Selection(path=path))
        return found if found.startswith("sha256:") else f"sha256:{found}"

    def content_digest(self, node: Node, path: str) -> str:
        """Return the digest of a file's contents alone, hashed once more as Dagger does."""
        with self.opened(node, path) as where, where.open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").digest()
        return "sha256:" + hashlib.sha256(inner).hexdigest()

    # --- to the host --------------------------------------------------------------------------

    def export_file(self, node: Node, path: str, dest: Path, *, mode: int | None = None) -> None:
        """Write a file to the host, its mode kept unless one is given or a file is there.

        Raises:
            EngineError: It can't be read or written.
        """
        with self.opened(node, path) as source:
            if source.is_dir():
                raise EngineError(f"path {path} is a directory, not a file")
            dest = Path(os.path.realpath(dest))  # what a link leads to is written, as by open
            kept = stat_module.S_IMODE(source.stat().st_mode) if mode is None else mode
            with contextlib.suppress(OSError):  # a file that is there keeps its mode
                kept = stat_module.S_IMODE(dest.stat().st_mode)
            try:
                with self._exports.setdefault(dest, threading.Lock()):
                    _replace(dest, source, kept)
            except OSError as error:
                raise EngineError(f"export to {dest}: {error.strerror or error}") from error

    def export_directory(self, node: Node, path: str, dest: Path, *, wipe: bool) -> None:
        """Write a directory's contents to the host, over what is there or instead of it.

        Raises:
            EngineError: It can't be read or written.
        """
        with self.opened(node, path) as source:
            if not source.is_dir():
                raise EngineError(f"path {path} is a file, not a directory")
            try:
                make_folders(dest)
                if wipe:
                    _empty(dest)
                _merge(source, dest)
            except OSError as error:
                raise EngineError(f"export to {dest}: {error.strerror or error}") from error


def real_path(root: Root, path: str, *, shown: str = "") -> Path:
    """Return where a path of the root really lies.

    Raises:
        EngineError: There is nothing.
    """
    try:
        root.stat(path)
        inner = root.resolve(path)
    except OSError as error:
        raise EngineError(_reason(shown or path.lstrip("/") or "/", error)) from error
    return root.path / str(inner).lstrip("/")


def _replace(dest: Path, source: Path, mode: int) -> None:
    """Write a copy beside the file, and put it in its place when it is whole."""
    make_folders(dest.parent)
    # The same name each time: what a killed export left, the next one takes away.
    name = hashlib.sha256(os.fsencode(dest.name)).hexdigest()[:16]
    part = dest.with_name(f".keelway-part-{name}")
    part.unlink(missing_ok=True)
    copy_contents(source, part)
    part.chmod(mode)
    part.replace(dest)


def make_folders(path: Path) -> None:
    """Make a folder of the host and those above it, for their owner alone as Dagger does."""
    for folder in reversed([path, *path.parents]):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _reason(path: str, error: OSError) -> str:
    reason = os.strerror(error.errno or errno.ENOENT)
    return f"{path}: {reason[:1].lower()}{reason[1:]}"


def _empty(folder: Path) -> None:
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _merge(source: Path, dest: Path) -> None:
    """Copy a folder's entries over another's, links as links."""
    with os.scandir(source) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        target = dest / entry.name
        if entry.is_dir(follow_symlinks=False):
            if target.is_symlink() or (target.exists() and not target.is_dir()):
                target.unlink()
            target.mkdir(exist_ok=True)
            _merge(Path(entry.path), target)
            state = entry.stat(follow_symlinks=False)
            target.chmod(stat_module.S_IMODE(state.st_mode))
            os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))
            continue
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        if entry.is_symlink():
            target.symlink_to(Path(entry.path).readlink())
        elif entry.is_file(follow_symlinks=False):
            copy_contents(Path(entry.path), target)
            state = entry.stat(follow_symlinks=False)
            target.chmod(stat_module.S_IMODE(state.st_mode))
            os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))
        else:
            raise EngineError(f"export: {entry.name} is a device, a socket or a pipe, not a file")
