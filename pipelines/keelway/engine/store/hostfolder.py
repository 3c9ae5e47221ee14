"""Folders of the host as layers: read once, then only what changed.

For each folder and set of patterns an index keeps what was found and the digests of contents. A
file whose status is the same is not read again. A few changes become a small layer over the
snapshot before; many, or the eighth small layer, make a new whole one in which unchanged files are
hard links.

Times get a fraction of a second where they have none: see `keelway.engine.store.tar`.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH115

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import stat
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.clientfiles import ClientFiles
from keelway.engine.store.gitignore import GitIgnore
from keelway.engine.store.hostcopy import Copier
from keelway.engine.store.hostscan import Seen, file_status, real_path, scan, unreadable
from keelway.engine.store.space import disk_error
from keelway.engine.store.tree import content_of, snapshot_digest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from keelway.engine.store.clientwire import ClientWire
    from keelway.engine.store.database import Database
    from keelway.engine.store.hostscan import Found, Status, Where
    from keelway.engine.store.layers import Layers
    from keelway.engine.store.tree import TreeLine
    from keelway.engine.store.workspace import Workspace

_VERSION = 3
_DELTAS = 8
"""Layers that one snapshot has at most."""
_FEW = 100
_SHARE = 5
"""A delta holds at most `_FEW` changes, or one in `_SHARE` of all that is there."""
_RACY_NS = 20_000_000
"""Time stamps are this coarse: a file that changed so shortly before is read again next time."""

Known = tuple[int, int, int, int, int, int, bytes, int]
"""A status, the content (digest, or target of a link), and which of the layers has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSnapshot:
    """What a folder or file of the host was."""

    layers: tuple[str, ...]
    """Bottom first."""
    digest: str
    """The `tree_digest` of these layers stacked."""


@dataclass(slots=True, kw_only=True)
class _Index:
    layers: list[str]
    digest: str
    known: dict[bytes, Known]


class HostFolders:
    """Snapshots of the host's folders and files."""

    def __init__(
        self, root: Path, workspace: Workspace, database: Database, layers: Layers
    ) -> None:
        """Keep indexes in `root/host`."""
        self._root = root / "host"
        self._root.mkdir(exist_ok=True)
        self._workspace = workspace
        self._database = database
        self._layers = layers
        self._flights: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._client: ClientFiles | None = None

    def ask(self, wire: ClientWire) -> None:
        """Have a client on another machine be the host; copies of this session are read here."""
        self._client = ClientFiles(wire, self._workspace)

    def snapshot(
        self,
        path: Path,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        gitignore: bool = False,
    ) -> HostSnapshot:
        """Return what a folder is now: owned by root, modes and times kept.

        Raises:
            EngineError: There is no such folder, or it can't be read.
        """
        client = self._client_of(path)
        if client is not None:
            key = json.dumps([f"{client.name}:{path}", list(include), list(exclude), gitignore])
            with self._flight(key):
                seen = client.folder(path, include=include, exclude=exclude, gitignore=gitignore)
                return self._update(key, seen)
        folder = real_path(path)
        if not folder.is_dir():
            raise EngineError(f"path {path} is a file, not a directory")
        key = json.dumps([str(folder), list(include), list(exclude), gitignore])
        with self._flight(key):
            started = time.time_ns()
            ignore = GitIgnore(folder) if gitignore else None
            found = scan(folder, include=include, exclude=exclude, ignore=ignore)
            top = os.fsencode(folder) + b"/"
            return self._update(key, _here(top.__add__, found, started))

    def file(self, path: Path) -> HostSnapshot:
        """Return a tree with one file of the host, under its own name.

        Raises:
            EngineError: There is no such file, or it can't be read.
        """
        client = self._client_of(path)
        if client is not None:
            key = json.dumps([f"{client.name}:{path}", path.name])
            with self._flight(key):
                return self._update(key, client.file(path))
        real = real_path(path)
        status = file_status(path, real)
        # The name is that of the path given, the content that of the file behind it.
        key = json.dumps([str(real), path.name])
        with self._flight(key):
            started = time.time_ns()
            found: Found = {os.fsencode(path.name or real.name): status}
            source = os.fsencode(real)
            return self._update(key, _here(lambda _: source, found, started))

    def _client_of(self, path: Path) -> ClientFiles | None:
        """Return the client that has a path; nothing for one of this machine."""
        return self._client if self._client is not None and self._client.is_asked(path) else None

    def _flight(self, key: str) -> threading.Lock:
        with self._lock:
            return self._flights.setdefault(key, threading.Lock())

    def _update(self, key: str, seen: Seen) -> HostSnapshot:
        path = self._root / hashlib.sha256(key.encode()).hexdigest()[:32]
        before = self._load(path) or _Index(layers=[], digest="", known={})
        try:
            index = self._advance(seen, before)
        except FileNotFoundError as error:
            raise EngineError(
                f"{os.fsdecode(error.filename)}: gone while the folder was read; try again"
            ) from error
        except OSError as error:
            raise disk_error(error) or unreadable(error) from error
        if index is not before:
            self._save(path, json.loads(key)[0], index, seen.started)
        return HostSnapshot(layers=tuple(index.layers), digest=index.digest)

    def _advance(self, seen: Seen, before: _Index) -> _Index:
        """Return an index for what was found; the one before if nothing is different."""
        found, known = seen.found, before.known
        suspects = [name for name, status in found.items() if not _same(known.get(name), status)]
        removed = [name for name in known if name not in found] if before.layers else []
        if before.layers and not suspects and not removed:
            return before
        with seen.brought(suspects) as where:
            return self._changed(where, found, before, suspects, removed)

    def _changed(
        self,
        where: Where,
        found: Found,
        before: _Index,
        suspects: list[bytes],
        removed: list[bytes],
    ) -> _Index:
        known = before.known
        kept = {name: known[name] for name in found if name in known}
        changed = [name for name in suspects if not _refresh(where, name, found[name], known, kept)]
        if before.layers and not changed and not removed:
            return _Index(layers=before.layers, digest=before.digest, known=kept)
        few = len(changed) + len(removed) <= max(_FEW, len(found) // _SHARE)
        for name in changed:
            kept.pop(name, None)
        if before.layers and few and len(before.layers) < _DELTAS:
            layers = [
                *before.layers,
                self._delta(where, found, changed, removed, kept, len(before.layers)),
            ]
        else:
            layers = [self._whole(where, found, kept, before.layers)]
        lines = _lines(found, kept)
        return _Index(layers=layers, digest=snapshot_digest(lines), known=kept)

    def _whole(
        self, where: Where, found: Found, kept: dict[bytes, Known], layers: list[str]
    ) -> str:
        """Make one layer of all that was found; what is unchanged is linked."""
        paths = [os.fsencode(self._layers.path(layer)) for layer in layers]
        with self._work() as work, Copier(where, os.fsencode(work)) as copier:
            for name, status in found.items():
                old = kept.get(name)
                if stat.S_ISDIR(status[0]):
                    copier.directory(name, status)
                    kept[name] = (*status, b"", 0)
                elif old is not None:
                    copier.link(paths[old[7]], name)
                    kept[name] = (*old[:7], 0)
                else:
                    kept[name] = (*status, copier.entry(name, status) or b"", 0)
            for name, digest in copier.finish().items():
                kept[name] = (*found[name], digest, 0)
            return self._layers.commit(work, host=True)

    def _delta(
        self,
        where: Where,
        found: Found,
        changed: list[bytes],
        removed: list[bytes],
        kept: dict[bytes, Known],
        number: int,
    ) -> str:
        """Make a layer of what changed since the snapshot before."""
        with self._work() as work, Copier(where, os.fsencode(work)) as copier:
            for name in changed:
                status = found[name]
                _parents(copier, name, found)
                if stat.S_ISDIR(status[0]):
                    copier.directory(name, status)
                    kept[name] = (*status, b"", number)
                else:
                    kept[name] = (*status, copier.entry(name, status) or b"", number)
            for name in removed:
                parent = name.rpartition(b"/")[0]
                if not parent or (parent in found and stat.S_ISDIR(found[parent][0])):
                    _parents(copier, name, found)
                    copier.whiteout(name)
            for name, digest in copier.finish().items():
                kept[name] = (*found[name], digest, number)
            return self._layers.commit(work, host=True)

    @contextlib.contextmanager
    def _work(self) -> Generator[Path]:
        """Give a directory; what is left of it when the block fails is removed."""
        work = self._workspace.new_large_work("host")
        try:
            work.chmod(0o755)
            yield work
        except BaseException:
            self._workspace.discard(work)
            raise

    def _load(self, path: Path) -> _Index | None:
        try:
            version, layers, digest, known = marshal.loads(path.read_bytes())  # noqa: S302 - our own file
        except (OSError, ValueError, EOFError, TypeError):
            return None
        if version != _VERSION or not self._layers.exists(layers):
            return None
        return _Index(layers=layers, digest=digest, known=known)

    def _save(self, path: Path, label: str, index: _Index, started: int) -> None:
        if label.startswith(f"{self._workspace.directory}/"):
            return  # a copy that this session has made, which no other sees again
        fresh = started - _RACY_NS
        known = {
            name: (*old[:3], -1, *old[4:]) if old[2] >= fresh or old[3] >= fresh else old
            for name, old in index.known.items()
        }
        work = self._workspace.new_work("index")
        (work / "index").write_bytes(marshal.dumps((_VERSION, index.layers, index.digest, known)))
        (work / "index").rename(path)
        self._workspace.discard(work)
        record = {"path": label, "layers": index.layers, "digest": index.digest}
        self._database.remember("host", path.name, json.dumps(record))


def _here(where: Where, found: Found, started: int) -> Seen:
    """Return what was seen of this machine: it is where it is."""
    return Seen(found=found, started=started, brought=lambda _: contextlib.nullcontext(where))


def _same(old: Known | None, status: Status) -> bool:
    if old is None:
        return False
    if stat.S_ISDIR(status[0]):
        return old[0] == status[0]
    return old[:6] == status


def _refresh(
    where: Where, name: bytes, status: Status, known: dict[bytes, Known], kept: dict[bytes, Known]
) -> bool:
    """Say whether an entry is the same but for its times; note its new status then."""
    old = known.get(name)
    if old is None or old[0] != status[0] or old[1] != status[1]:
        return False
    path = where(name)
    if stat.S_ISREG(status[0]):
        content = content_of(path)
    else:
        content = os.readlink(path) if stat.S_ISLNK(status[0]) else b""
    if content != old[6]:
        return False
    kept[name] = (*status, content, old[7])
    return True


def _parents(copier: Copier, name: bytes, found: Found) -> None:
    parts = name.split(b"/")[:-1]
    for count in range(1, len(parts) + 1):
        parent = b"/".join(parts[:count])
        copier.directory(parent, found[parent])


def _lines(found: Found, known: dict[bytes, Known]) -> Iterable[TreeLine]:
    for name in found:
        entry = known[name]
        mode = entry[0]
        bits = stat.S_IMODE(mode)
        if stat.S_ISREG(mode):
            yield (name, b"f", bits, 0, 0, entry[6])
        elif stat.S_ISDIR(mode):
            yield (name, b"d", bits, 0, 0, b"")
        elif stat.S_ISLNK(mode):
            yield (name, b"l", 0o777, 0, 0, entry[6])
        else:
            yield (name, b"p", bits, 0, 0, b"")
