"""Trees by what is in them: the digests that let a step see only what it reads."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from keelway.engine.graph import changes, copies, ops
from keelway.engine.run.inroot import Root
from keelway.engine.solve.copysources import expand, is_pattern
from keelway.engine.store.tree import tree_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.engine.graph.ops import Op
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.views import Views
    from keelway.engine.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of a tree that an operation reads."""

    path: str = "/"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Instead of includes: what a `COPY` names, links in it followed."""
    deep: bool = False
    """`**` in the sources spans folders."""


class Contents:
    """Digests of parts of snapshots, remembered in the store: a snapshot never changes."""

    def __init__(self, store: Store, views: Views) -> None:
        """Look into the snapshots of this store."""
        self._store = store
        self._views = views
        self._whole: dict[Snapshot, str] = {}

    def know(self, snapshot: Snapshot, digest: str) -> None:
        """Take the digest of a whole tree from whoever made it, so that it need not be read."""
        self._whole[snapshot] = digest

    def selections(  # noqa: C901, PLR0911, PLR0912 - one case a kind
        self, op: Op
    ) -> Mapping[int, Selection]:
        """Return the inputs, by number, that count by content, and what of them does."""
        match op:
            case ops.CopyTree():
                if op.gitignore:  # rules may come from folders above
                    return {1: Selection()}
                return {1: Selection(path=op.source, include=op.include, exclude=op.exclude)}
            case ops.CopyFile():
                return {1: Selection(path=op.source)}
            case copies.DockerCopy():
                return {
                    part.input: Selection(
                        sources=part.sources, deep=op.parents, exclude=part.ignore
                    )
                    for part in op.parts
                }
            case ops.Exec():
                return {
                    mount.input: Selection(path=mount.path)
                    for mount in op.mounts
                    if mount.input >= 0 and mount.kind in {"directory", "file"}
                }
            case changes.ApplyChanges():
                return {1: Selection(path=op.before), 2: Selection(path=op.after)}
            case changes.ApplyPatch() if op.source:
                return {1: Selection(path=op.source)}
            case ops.Service(exec=command):
                return self.selections(command)
            case ops.Renamed():
                return {0: Selection(path=op.source)}
            case _:
                return {}

    def by_content(self, op: Op) -> Op:
        """Return the operation without where its inputs have what it reads: their contents say it.

        A file's own name stays: it may become the name of the copy.
        """
        match op:
            case ops.CopyTree() | ops.Renamed():
                return replace(op, source="")
            case ops.CopyFile():
                return replace(op, source=posixpath.basename(op.source))
            case ops.Service(exec=command):
                return replace(op, exec=cast("ops.Exec", self.by_content(command)))
            case ops.Exec() if op.mounts:
                mounts = (
                    replace(mount, path="") if _is_only_read(mount) else mount
                    for mount in op.mounts
                )
                return replace(op, mounts=tuple(mounts))
            case _:
                return op

    def digest(self, snapshot: Snapshot, selection: Selection) -> str:
        """Return the digest of what is selected: names, modes, owners and contents, no times."""
        whole = self._whole.get(snapshot)
        if whole is not None and selection == Selection():
            return whole
        text = repr(("tree", snapshot, selection))
        key = hashlib.sha256(text.encode()).digest()
        known = self._store.cache.get(key)
        if known is not None:
            return known.decode()
        with self._views.reading(snapshot) as root:
            found = _digest_in(root, selection)
        self._store.cache.put(
            key, found.encode(), description="content digest", layers=(), blobs=()
        )
        return found


def _is_only_read(mount: ops.ExecMount) -> bool:
    """Say whether nothing of a mount is kept: what is, stays at the path it came from."""
    return mount.kind in {"directory", "file"} and (mount.readonly or mount.discard)


def _digest_in(root: Path, selection: Selection) -> str:
    with Root(root) as opened:
        if not opened.exists(selection.path):
            return "missing"
        path = str(opened.resolve(selection.path))
        include = selection.include or _plain_sources(opened, selection)
    return tree_digest(root, path.lstrip("/"), include, selection.exclude)


def _plain_sources(root: Root, selection: Selection) -> tuple[str, ...]:
    """Return the sources as patterns; none, which means everything, where one is not plain.

    A source behind a link has its contents elsewhere, and the root is everything.
    """
    for source in selection.sources:
        clean = source.strip("/")
        if clean in {"", "."} or clean.startswith("!"):
            return ()
        named = expand(root, clean, deep=selection.deep) if is_pattern(clean) else [clean]
        if any(_is_behind_link(root, path) for path in named):
            return ()
    return tuple(source.strip("/") for source in selection.sources)


def _is_behind_link(root: Root, path: str) -> bool:
    clean = posixpath.normpath(f"/{path}")
    return root.exists(clean) and str(root.resolve(clean)) != clean
