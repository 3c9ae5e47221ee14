"""Unpacking of an image's layer into a directory that overlayfs can stack.

Names are resolved inside the directory: `..` and links never lead out of it. `.wh.` entries become
overlayfs's whiteouts and opaque marks. What the kernel refuses to root of a user namespace
(device nodes, trusted attributes) is left out, as other rootless tools do.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH101, PTH102, PTH108, PTH115, PTH120, PTH211

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.devices import is_harmless
from keelway.engine.errors import EngineError
from keelway.engine.ids import demand_ids
from keelway.engine.store.space import disk_error
from keelway.engine.store.tar import OPAQUE
from keelway.engine.store.whiteout import is_whiteout, make_whiteout

if TYPE_CHECKING:
    from keelway.engine.store.tarstream import TarEntry, TarStream

_HIDE = b".wh."
_OPAQUE_ENTRY = b".wh..wh..opq"
_LINKS_MAX = 40
_REFUSED = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EINVAL})


class Unpacker:
    """Writes the entries of one layer below a directory."""

    def __init__(self, root: bytes) -> None:
        """Write below `root`, an empty directory."""
        self._root = root
        self._parents: dict[bytes, bytes] = {b"": root}
        self._times: dict[bytes, int] = {}
        self._umask = _umask()
        self._implied: set[bytes] = set()

    def unpack(self, stream: TarStream) -> None:
        """Write all entries of a stream.

        Raises:
            EngineError: The stream is damaged, or an entry can't be written.
        """
        for entry in stream.entries():
            try:
                self._write(entry, stream)
            except OSError as error:
                full = disk_error(error)
                if full is not None:
                    raise full from error
                name = entry.name.decode(errors="replace")
                raise EngineError(
                    f"{name}: the layer can't be unpacked: {_reason(error, entry)}"
                ) from error
        for path, mtime in reversed(self._times.items()):
            os.utime(path, ns=(mtime, mtime))

    @property
    def implied(self) -> list[bytes]:
        """Directories that had to be made though the layer has no entry for them, sorted.

        Such a directory is as it is in the layers below, if they have it.
        """
        return sorted(os.path.relpath(path, self._root) for path in self._implied)

    def _write(self, entry: TarEntry, stream: TarStream) -> None:
        parts = _parts(entry.name)
        if not parts:
            if entry.kind == b"5":
                self._attributes(self._root, entry)
                self._times[self._root] = entry.mtime_ns
            return
        last = parts.pop()
        parent = self._parent(b"/".join(parts))
        if last.startswith(_HIDE):
            self._hide(parent, last)
            return
        path = parent + b"/" + last
        if entry.kind == b"0":
            self._file(path, entry, stream)
        elif entry.kind == b"5":
            self._directory(path, entry)
        else:
            self._other(path, entry)

    def _file(self, path: bytes, entry: TarEntry, stream: TarStream) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, entry.mode & 0o777)
        except FileExistsError:
            self._clear(path)
            descriptor = os.open(path, flags, entry.mode & 0o777)
        try:
            for piece in stream.content():
                _write_all(descriptor, piece)
            if entry.uid or entry.gid:
                os.fchown(descriptor, entry.uid, entry.gid)
            if entry.mode & (0o7000 | self._umask):
                os.fchmod(descriptor, entry.mode)
            for name, value in entry.xattrs:
                _set_xattr(path, name, value)
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)

    def _directory(self, path: bytes, entry: TarEntry) -> None:
        found = _lstat(path)
        if found is None or not stat.S_ISDIR(found.st_mode):
            hidden = found is not None and is_whiteout(found)
            if found is not None:
                self._clear(path)
            os.mkdir(path, 0o700)
            if hidden:
                os.setxattr(path, OPAQUE, b"y")
        self._implied.discard(path)
        self._attributes(path, entry)
        # Last of all times, in the order of the last mention: parents come before children.
        self._times.pop(path, None)
        self._times[path] = entry.mtime_ns

    def _other(self, path: bytes, entry: TarEntry) -> None:
        if _lstat(path) is not None:
            self._clear(path)
        if entry.kind == b"1":
            self._hard_link(path, entry)
            return
        if entry.kind == b"2":
            os.symlink(entry.link, path)
        elif not self._node(path, entry):
            return
        self._attributes(path, entry, link=entry.kind == b"2")
        os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)

    def _hard_link(self, path: bytes, entry: TarEntry) -> None:
        parts = _parts(entry.link)
        if not parts:
            raise EngineError("the layer is damaged: a hard link names the root")
        last = parts.pop()
        source = self._parent(b"/".join(parts)) + b"/" + last
        os.link(source, path, follow_symlinks=False)

    def _node(self, path: bytes, entry: TarEntry) -> bool:
        """Make a fifo or a device; say whether it was made."""
        kinds = {b"3": stat.S_IFCHR, b"4": stat.S_IFBLK, b"6": stat.S_IFIFO}
        kind = kinds.get(entry.kind)
        if kind is None or not is_harmless(kind, entry.device):
            return False
        try:
            os.mknod(path, kind | entry.mode, os.makedev(*entry.device))
        except PermissionError:
            return False
        return True

    def _attributes(self, path: bytes, entry: TarEntry, *, link: bool = False) -> None:
        if entry.uid or entry.gid:
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        if not link:
            os.chmod(path, entry.mode)
        for name, value in entry.xattrs:
            _set_xattr(path, name, value)

    def _hide(self, parent: bytes, last: bytes) -> None:
        if last == _OPAQUE_ENTRY:
            os.setxattr(parent, OPAQUE, b"y")
            return
        name = last[len(_HIDE) :]
        if name.startswith(_HIDE) or not name:
            return  # other marks of aufs, which mean nothing here
        path = parent + b"/" + name
        found = _lstat(path)
        if found is None:
            make_whiteout(path)
        elif stat.S_ISDIR(found.st_mode):
            os.setxattr(path, OPAQUE, b"y")

    def _parent(self, inside: bytes) -> bytes:
        """Return the real directory behind a name inside the root; make what is missing."""
        known = self._parents.get(inside)
        if known is None:
            known = self._resolve(inside.split(b"/"), _LINKS_MAX)
            self._parents[inside] = known
        return known

    def _resolve(self, parts: list[bytes], links: int) -> bytes:
        path = self._root
        todo = parts[::-1]
        while todo:
            part = todo.pop()
            if part == b"..":
                path = path if path == self._root else os.path.dirname(path)
                continue
            below = path + b"/" + part
            found = _lstat(below)
            if found is not None and stat.S_ISLNK(found.st_mode):
                links -= 1
                if not links:
                    raise EngineError("the layer is damaged: too many symbolic links in a name")
                target = os.readlink(below)
                path = self._root if target.startswith(b"/") else path
                todo.extend(p for p in reversed(target.split(b"/")) if p not in {b"", b"."})
                continue
            if found is None or not stat.S_ISDIR(found.st_mode):
                self._make_parent(below, found)
            path = below
        return path

    def _make_parent(self, path: bytes, found: os.stat_result | None) -> None:
        if found is not None:
            self._clear(path)
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)  # noqa: S103 - what a directory without an entry of its own has
        if found is not None and is_whiteout(found):
            os.setxattr(path, OPAQUE, b"y")
        self._implied.add(path)

    def _clear(self, path: bytes) -> None:
        """Remove what an entry replaces; names that led through it are resolved anew."""
        try:
            os.unlink(path)
        except IsADirectoryError:
            shutil.rmtree(path)
            below = path + b"/"
            for known in [p for p in self._times if p == path or p.startswith(below)]:
                del self._times[known]
            self._implied -= {p for p in self._implied if p == path or p.startswith(below)}
        self._parents = {b"": self._root}


def _reason(error: OSError, entry: TarEntry) -> str:
    try:
        demand_ids(entry.uid, entry.gid)
    except EngineError as missing:
        return str(missing)
    return str(error)


def _parts(name: bytes) -> list[bytes]:
    """Return the components of a name; `..` never leads above the root."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in {b"", b"."}:
            parts.append(part)
    return parts


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _set_xattr(path: bytes, name: bytes, value: bytes) -> None:
    if name == b"security.selinux" or b"overlay." in name:
        return
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise


def _umask() -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o777
