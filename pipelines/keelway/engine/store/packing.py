"""Between a layer's directory and its blob: tar, compression and digests in one pass."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.store.blocks import Blocks, beside
from keelway.engine.store.compress import BLOCK, compressor
from keelway.engine.store.decompress import ahead, plain_blocks
from keelway.engine.store.descriptor import LayerBlob, layer_media_type
from keelway.engine.store.tarstream import TarStream
from keelway.engine.store.untar import Unpacker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What was found while a blob was unpacked."""

    digest: str
    size: int
    diff_id: str
    implied: list[str]
    """Directories that the blob has no entry for, though it has something in them."""


def pack(
    blobs: Blobs, kind: str, produce: Callable[[Callable[[bytes], object]], object]
) -> LayerBlob:
    """Write a tar stream, which is produced into a function, as a compressed blob."""
    diff = hashlib.sha256()
    with (
        blobs.writer() as writer,
        compressor(kind, writer.write) as packed,
        beside(diff.update) as update,
    ):
        blocks = Blocks(update, packed.block)
        produce(blocks.add)
        blocks.finish()
        packed.finish()
    return LayerBlob(
        digest=writer.digest,
        size=writer.size,
        media_type=layer_media_type(kind),
        diff_id="sha256:" + diff.hexdigest(),
    )


def unpack(path: Path, kind: str, target: Path) -> Unpacked:
    """Unpack a blob into an empty directory; whoever calls compares the digest.

    Raises:
        EngineError: The blob is damaged, or no tar stream, or can't be written.
    """
    digest, diff = hashlib.sha256(), hashlib.sha256()
    unpacker = Unpacker(os.fsencode(target))
    with path.open("rb") as file:
        with ahead(plain_blocks(file, kind, digest.update)) as plain:
            unpacker.unpack(TarStream(plain, diff.update))
        while rest := file.read(BLOCK):
            digest.update(rest)
    return Unpacked(
        digest="sha256:" + digest.hexdigest(),
        size=path.stat().st_size,
        diff_id="sha256:" + diff.hexdigest(),
        implied=[os.fsdecode(name) for name in unpacker.implied],
    )
