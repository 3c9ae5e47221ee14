"""Digests of trees: equal for equal content, names, modes and owners, wherever and whenever.

Extended attributes (capabilities, say) count where there are any. Times are left out. Files that
are one by a hard link count like two.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH115

from __future__ import annotations

import functools
import hashlib
import os
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.patterns import Selection
from keelway.engine.store.tar import attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_CHUNK = 1 << 20
_LARGE = 1 << 18
_THREADS = 2
content_digest = functools.partial(hashlib.blake2b, digest_size=32)
"""How contents of files are digested: quicker than sha256 where the processor has no help."""
_TOP = (b"", b"d", 0o755, 0, 0, b"")
TreeLine = tuple[bytes, bytes, int, int, int, bytes]
"""Path, kind (one of `dflpcb`), mode, uid, gid, and content: digest, target or device."""


def tree_digest(
    root: Path, subpath: str = "", include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> str:
    """Return the digest of a directory or file below `root`.

    `subpath` must have no symbolic links in it but for its last component, which is not followed.
    Patterns are relative to it.

    Raises:
        EngineError: There is no such path.
    """
    path = os.fsencode(root / subpath.strip("/"))
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise EngineError(f"{subpath}: no such file or directory") from None
    lines: list[TreeLine] = [_line(path, b"", found)]
    if stat.S_ISDIR(found.st_mode):
        selection = Selection(include, exclude)
        lines.extend(_Walk(None if selection.everything else selection).lines(path))
    return digest_lines(lines)


def digest_lines(lines: Iterable[TreeLine]) -> str:
    """Return the digest of a tree that is given as lines, in any order."""
    digest = hashlib.sha256(b"tree 2\n")
    for name, kind, mode, uid, gid, content in sorted(lines):
        digest.update(
            b"%d:%b%b%o %d %d %d:%b\n"
            % (len(name), name, kind, mode, uid, gid, len(content), content)
        )
    return "sha256:" + digest.hexdigest()


def snapshot_digest(lines: Iterable[TreeLine]) -> str:
    """Return the digest of a tree whose top directory is the one that the store makes."""
    return digest_lines([_TOP, *lines])


class _Walk:
    """Collects the lines of a tree; large files are read in threads."""

    def __init__(self, selection: Selection | None) -> None:
        self._selection = selection
        self._lines: list[TreeLine] = []
        self._large: list[tuple[TreeLine, Future[bytes]]] = []
        self._threads: ThreadPoolExecutor | None = None

    def lines(self, folder: bytes) -> list[TreeLine]:
        try:
            self._folder(folder, b"")
            for line, content in self._large:
                self._lines.append((*line[:5], content.result()))
        finally:
            if self._threads is not None:
                self._threads.shutdown(cancel_futures=True)
        return self._lines

    def _folder(self, folder: bytes, inside: bytes) -> bool:
        """Add lines for what is taken; say whether there was anything."""
        before = len(self._lines) + len(self._large)
        with os.scandir(folder) as entries:
            for entry in entries:
                self._entry(entry, inside + entry.name)
        return len(self._lines) + len(self._large) > before

    def _entry(self, entry: os.DirEntry[bytes], name: bytes) -> None:
        found = entry.stat(follow_symlinks=False)
        selection = self._selection
        text = "" if selection is None else os.fsdecode(name)
        taken = selection is None or selection.takes(text)
        if stat.S_ISDIR(found.st_mode):
            enters = selection is None or selection.enters(text)
            if (enters and self._folder(entry.path, name + b"/")) or taken:
                self._lines.append(_line(entry.path, name, found))
        elif taken and not stat.S_ISSOCK(found.st_mode):
            self._file(entry.path, name, found)

    def _file(self, path: bytes, name: bytes, found: os.stat_result) -> None:
        if found.st_size < _LARGE or not stat.S_ISREG(found.st_mode):
            self._lines.append(_line(path, name, found))
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="digest")
        line = (name, b"f", stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, b"")
        self._large.append((line, self._threads.submit(_content_and_marks, path)))


def _line(path: bytes, name: bytes, found: os.stat_result) -> TreeLine:
    mode = found.st_mode
    owner = (found.st_uid, found.st_gid)
    bits = stat.S_IMODE(mode)
    if stat.S_ISREG(mode):
        return (name, b"f", bits, *owner, content_of(path) + _marks(path))
    if stat.S_ISDIR(mode):
        return (name, b"d", bits, *owner, _marks(path))
    if stat.S_ISLNK(mode):
        return (name, b"l", 0o777, *owner, os.readlink(path))
    if stat.S_ISFIFO(mode):
        return (name, b"p", bits, *owner, b"")
    kind = b"c" if stat.S_ISCHR(mode) else b"b"
    return (name, kind, bits, *owner, b"%d" % found.st_rdev)


def _marks(path: bytes) -> bytes:
    """Return the extended attributes of a file or directory; most have none."""
    return b"".join(
        b"%d:%b%d:%b" % (len(name), name.encode(), len(value), value)
        for name, value in attributes(path)
    )


def _content_and_marks(path: bytes) -> bytes:
    return content_of(path) + _marks(path)


def content_of(path: bytes) -> bytes:
    """Return the digest of a file's content, as a tree's digest is made of."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        digest = content_digest()
        while data := os.read(descriptor, _CHUNK):
            digest.update(data)
            if len(data) < _CHUNK:
                break
        return digest.digest()
    finally:
        os.close(descriptor)
