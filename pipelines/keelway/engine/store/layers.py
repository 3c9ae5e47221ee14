"""Layers: directories that overlayfs stacks, and their form as blobs.

A layer never changes once it is here. Whiteouts are character devices 0/0; a directory that hides
what lies below has `user.overlay.opaque=y`. Ids say where a layer comes from: `l` was made by an
operation, `h` is a folder of the host or what changed in it, `b` was unpacked from a blob, `i` is
such a one with the parent directories that its blob left out, `s` is a stack made one, `p` is a
part of a layer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store import squash as stacks
from keelway.engine.store.decompress import plain_blocks
from keelway.engine.store.descriptor import (
    LayerBlob,
    compression_of,
    hex_of,
    layer_media_type,
)
from keelway.engine.store.layer_blobs import ARCHIVE, SOURCE, LayerBlobs
from keelway.engine.store.packing import pack, unpack
from keelway.engine.store.space import disk_error
from keelway.engine.store.tar import TarWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Sequence
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.database import Database
    from keelway.engine.store.descriptor import Descriptor
    from keelway.engine.store.workspace import Workspace

_UNPACKS = 3
"""Layers of one image that are unpacked at once."""


class Layers:
    """The layers of a store."""

    def __init__(self, root: Path, workspace: Workspace, database: Database, blobs: Blobs) -> None:
        """Use `root/layers`."""
        self.root = root / "layers"
        self.root.mkdir(exist_ok=True)
        self._workspace = workspace
        self._database = database
        self._blobs = blobs
        self._forms = LayerBlobs(database, blobs)
        self._present: set[str] = set()
        self._packed: set[str] = set()
        """Imported ones, which are unpacked when somebody looks into them: most are never."""
        self._flights: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def commit(self, tree: Path, *, host: bool = False) -> str:
        """Make a tree on this file system a layer; the tree is gone from where it was."""
        layer = ("h" if host else "l") + uuid.uuid4().hex
        self._keep(tree, layer)
        return layer

    def path(self, layer: str) -> Path:
        """Return the directory of a layer, or of a part of one (`id/sub/path`).

        Raises:
            EngineError: It was imported, and what it is unpacked from was damaged since.
        """
        if self._packed:
            whole = layer.partition("/")[0]
            if whole in self._packed and not self._restore(whole):
                self._packed.discard(whole)
                raise EngineError(
                    f"an imported layer was damaged ({whole}): it is made again by the next "
                    "session, so try again"
                )
        return self.root / layer

    def exists(self, layers: Iterable[str]) -> bool:
        """Say whether all are there, or can be unpacked; they stay for this session then."""
        return all(layer in self._present or self._claim(layer) for layer in layers)

    def from_blob(self, blob: Descriptor) -> str:
        """Return the layer that a blob of this store contains; it is unpacked once.

        Raises:
            EngineError: The blob is missing, damaged, or no tar stream.
        """
        layer = "b" + hex_of(blob.digest)
        return self._once(layer, lambda: self._unpack(layer, blob))

    def from_blobs(self, blobs: Sequence[Descriptor]) -> tuple[str, ...]:
        """Return the layers of an image's blobs, oldest first, unpacked side by side.

        Some tools write layers without entries for parent directories; these are as they are in
        the layers below.

        Raises:
            EngineError: As for `from_blob`.
        """
        missing = [blob for blob in blobs if not self.exists(["b" + hex_of(blob.digest)])]
        if len(missing) > 1:
            with ThreadPoolExecutor(_UNPACKS, thread_name_prefix="unpack") as threads:
                list(threads.map(self.from_blob, {b.digest: b for b in missing}.values()))
        layers: list[str] = []
        for blob in blobs:
            layers.append(self._with_parents(self.from_blob(blob), layers))
        return tuple(layers)

    def copy_part(self, layer: str, inside: str) -> str:
        """Return a layer that is equal to a directory of one; files are hard links.

        Raises:
            EngineError: The layer has no such directory.
        """
        source = self.path(layer) / inside
        if not source.is_dir():
            raise EngineError(f"{inside}: no such directory in the layer {layer}")
        part = "p" + _digest([layer, inside.strip("/")])
        return self._once(
            part,
            lambda: self._build(
                part, lambda work: stacks.link_tree(os.fsencode(source), os.fsencode(work))
            ),
        )

    def squash(self, layers: Sequence[str], *, below: Sequence[str] | None = None) -> str:
        """Return one layer that is equal to these stacked, bottom first.

        `below` says which layers the result will lie on, bottom first: whatever the stack hides
        without there being anything to hide is dropped then. Without it all marks are kept, and a
        directory may list names that the stack itself has removed. Layers may be parts
        (`id/sub/path`).
        """
        squashed = "s" + _digest([*layers, "on", *(["?"] if below is None else below)])
        stack = [os.fsencode(self.path(layer)) for layer in layers]
        under = None if below is None else [os.fsencode(self.path(layer)) for layer in below]
        return self._once(
            squashed,
            lambda: self._build(
                squashed, lambda work: stacks.squash(stack, os.fsencode(work), below=under)
            ),
        )

    def to_blob(
        self, layer: str, *, compression: str = "default", epoch: int | None = None
    ) -> LayerBlob:
        """Return a layer as a blob of this store.

        `compression` is `gzip`, `zstd`, `uncompressed`, or `default`: a layer that came from a
        blob is that blob, whatever its compression, and others are gzip. Times are clamped to
        `epoch`; those of a layer that came from a blob never change.

        Raises:
            EngineError: No such compression, or its program is missing.
        """
        source = self._forms.find(layer, SOURCE)
        if source is not None and compression in {"default", compression_of(source.media_type)}:
            return source
        kind = "gzip" if compression == "default" else compression
        form = kind if source is not None else f"{kind} {'' if epoch is None else epoch}"
        with self._flight(f"{layer} {form}"):
            known = self._forms.find(layer, form)
            if known is None:
                if source is None:
                    known = pack(
                        self._blobs,
                        kind,
                        lambda sink: TarWriter(sink, epoch=epoch).layer(self.path(layer)),
                    )
                else:
                    known = pack(self._blobs, kind, lambda sink: self._plain(source, sink))
                self._forms.keep(layer, form, known)
            return known

    def to_archive(self, layer: str) -> LayerBlob | None:
        """Return a layer as a blob that another store takes it from; None if it is not here.

        What came from a blob is that blob. Others keep all that an image would leave out, such as
        fractions of seconds.

        Raises:
            EngineError: The program `zstd` is missing.
        """
        self._workspace.pin(layer)
        with self._flight(f"{layer} {ARCHIVE}"):
            known = self._forms.origin(layer)
            if known is None and self._place(layer).is_dir():
                known = pack(
                    self._blobs,
                    "zstd",
                    lambda sink: TarWriter(sink, epoch=None, exact=True).layer(self.path(layer)),
                )
                self._forms.keep(layer, ARCHIVE, known)
            return known

    def lose(self, digests: Collection[str]) -> None:
        """Forget what is known by layers that came from blobs which are lost: it is made anew."""
        self._forms.lose(digests)

    def _with_parents(self, layer: str, below: Sequence[str]) -> str:
        """Return a layer whose implied directories are as those below; often the layer itself."""
        implied: list[str] = json.loads(self._database.memo("implied", layer) or "[]")
        under = [os.fsencode(self.path(name)) for name in below]
        found = {inside: stacks.directories(under, os.fsencode(inside))[:1] for inside in implied}
        models = {inside: paths[0] for inside, paths in found.items() if paths}
        if not models:
            return layer
        made = "i" + _digest([layer, *below])

        def fill(work: Path) -> None:
            stacks.link_tree(os.fsencode(self.path(layer)), os.fsencode(work))
            for inside, model in models.items():
                stacks.copy_attributes(model, os.fsencode(work / inside))
            self._forms.share_source(layer, made)

        return self._once(made, lambda: self._build(made, fill))

    def _plain(self, blob: LayerBlob, sink: Callable[[bytes], object]) -> None:
        with self._blobs.path(blob.digest).open("rb") as file:
            for block in plain_blocks(file, compression_of(blob.media_type), _ignore):
                sink(block)

    def _unpack(self, layer: str, blob: Descriptor) -> None:
        path = self._blobs.path(blob.digest)
        if not self._blobs.has(blob.digest):
            raise EngineError(f"the store has no blob {blob.digest} to unpack")

        def fill(work: Path) -> None:
            found = unpack(path, compression_of(blob.media_type), work)
            if found.digest != blob.digest:
                self._workspace.discard(path)
                raise EngineError(f"the blob {blob.digest} is damaged; it was removed, try again")
            source = LayerBlob(
                digest=blob.digest,
                size=found.size,
                media_type=layer_media_type(compression_of(blob.media_type)),
                diff_id=found.diff_id,
            )
            # Before the layer is there: it must never be without them.
            self._forms.keep(layer, SOURCE, source)
            self._database.remember("implied", layer, json.dumps(found.implied))

        self._build(layer, fill)

    def _build(self, layer: str, fill: Callable[[Path], object]) -> None:
        """Make a layer in a work directory and put it in place when it is complete."""
        work = self._workspace.new_large_work("layer")
        try:
            work.chmod(0o755)
            fill(work)
            self._keep(work, layer)
        except OSError as error:
            if error.errno is None or not self._place(layer).is_dir():
                full = disk_error(error)
                raise full or EngineError(f"a layer can't be written: {error}") from error
        finally:
            if work.exists():
                self._workspace.discard(work)

    def _keep(self, tree: Path, layer: str) -> None:
        self._workspace.pin(layer)
        tree.rename(self._place(layer))
        self._present.add(layer)
        self._packed.discard(layer)

    def _place(self, layer: str) -> Path:
        """Return where a layer is, or would be."""
        return self.root / layer

    def _claim(self, layer: str) -> bool:
        self._workspace.pin(layer)
        if not self._place(layer).is_dir():
            if self._forms.origin(layer) is None:
                return False
            self._packed.add(layer)
        self._present.add(layer)
        return True

    def _restore(self, layer: str) -> bool:
        """Make a layer that was imported as an archive; say whether it is there now."""
        with self._flight(f"{layer} restored"), self._workspace.exclusive("archives", layer):
            archive = self._forms.origin(layer)
            if self._place(layer).is_dir():
                self._packed.discard(layer)
                return True
            if archive is None:
                return False

            def fill(work: Path) -> None:
                found = unpack(
                    self._blobs.path(archive.digest), compression_of(archive.media_type), work
                )
                if found.digest != archive.digest:
                    self._workspace.discard(self._blobs.path(archive.digest))
                    raise EngineError(f"the archive {archive.digest} of a layer is damaged")

            try:
                self._build(layer, fill)
            except EngineError:
                if not self._blobs.has(archive.digest):
                    self._present.discard(layer)
                    self.lose([archive.digest])
                    return False
                raise
        return True

    def _once(self, layer: str, make: Callable[[], object]) -> str:
        """Make a layer unless it is there; one at a time, among threads and processes."""
        if not self.exists([layer]):
            with self._flight(layer), self._workspace.exclusive("layers", layer):
                if not self.exists([layer]):
                    make()
        return layer

    @contextlib.contextmanager
    def _flight(self, name: str) -> Generator[None]:
        with self._lock:
            lock = self._flights.setdefault(name, threading.Lock())
        try:
            with lock:
                yield
        finally:
            with self._lock:
                self._flights.pop(name, None)


def _ignore(data: bytes) -> None:
    """Drop bytes."""


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
