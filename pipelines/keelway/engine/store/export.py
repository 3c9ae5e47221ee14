"""Write what a pipeline used of a store into a folder, from which another store takes it."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.cachefolder import FORMAT, PLAIN, CacheFolder, Entry, Memo, Travelled
from keelway.engine.store.descriptor import Descriptor
from keelway.engine.store.manifest import canonical
from keelway.engine.store.space import disk_error

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.database import Database
    from keelway.engine.store.layers import Layers

_OF_HOST = "h"
_RESULT = "o"
_DIGEST = "sha256:"


@dataclass(slots=True)
class _Chosen:
    """What goes along."""

    entries: list[Entry]
    blobs: dict[str, Descriptor] = field(default_factory=dict[str, Descriptor])
    memos: list[Memo] = field(default_factory=list[Memo])


def export_cache(
    database: Database, layers: Layers, blobs: Blobs, folder: Path, *, since: int
) -> Travelled:
    """Make a folder a cache of what was used since then; what it has already is not written again.

    Raises:
        EngineError: The folder holds something else, or the disk is full.
    """
    target = CacheFolder(folder)
    try:
        target.prepare()
        chosen = _choose(database, layers, blobs, since)
        moved = 0
        for blob in chosen.blobs.values():
            if not target.has(blob):
                _copy(blobs.path(blob.digest), target.path(blob.digest))
                moved += blob.size
        ordered = [chosen.blobs[digest] for digest in sorted(chosen.blobs)]
        digest = target.write(_index(chosen), ordered)
    except OSError as error:
        raise disk_error(error) or EngineError(
            f"the cache cannot be written to {folder}: {error.strerror or error}"
        ) from error
    return Travelled(
        digest=digest,
        results=len(chosen.entries),
        blobs=len(ordered),
        size=sum(blob.size for blob in ordered),
        moved=moved,
    )


def _choose(database: Database, layers: Layers, blobs: Blobs, since: int) -> _Chosen:
    used = dict(database.rows("SELECT name, time FROM used"))
    entries = [
        entry
        for entry in _entries(database, used)
        # A folder of the host is looked at anew on each machine.
        if not any(layer.startswith(_OF_HOST) for layer in entry.layers)
    ]
    needed = {layer for entry in entries if entry.used >= since for layer in entry.layers}
    archives = {layer: layers.to_archive(layer) for layer in sorted(needed)}
    there = {layer for layer, archive in archives.items() if archive is not None}
    # A chain that was found at its end was not looked up before it, but a change needs its middle.
    chosen = _Chosen(
        entries=[
            entry
            for entry in entries
            if there.issuperset(entry.layers) and (entry.layers or entry.used >= since)
        ]
    )
    for archive in archives.values():
        if archive is not None:
            chosen.blobs[archive.digest] = Descriptor(
                media_type=archive.media_type, digest=archive.digest, size=archive.size
            )
    wanted = {digest for entry in chosen.entries for digest in entry.blobs}
    wanted |= {name for name, time in used.items() if name.startswith(_DIGEST) and time >= since}
    for digest in wanted - chosen.blobs.keys():
        if blobs.has(digest):
            size = blobs.path(digest).stat().st_size
            chosen.blobs[digest] = Descriptor(media_type=PLAIN, digest=digest, size=size)
    chosen.entries = [entry for entry in chosen.entries if chosen.blobs.keys() >= {*entry.blobs}]
    chosen.memos = [memo for memo in _memos(database, there) if _holds(memo, chosen)]
    return chosen


def _entries(database: Database, used: dict[str, int]) -> list[Entry]:
    rows = database.rows("SELECT key, value, description, layers, blobs, created FROM results")
    return [
        Entry(
            key=bytes(key),
            value=bytes(value),
            description=description,
            layers=tuple(layers.split()),
            blobs=tuple(blobs.split()),
            used=max(used.get(_RESULT + bytes(key).hex(), 0), created),
        )
        for key, value, description, layers, blobs, created in rows
    ]


def _memos(database: Database, layers: set[str]) -> list[Memo]:
    rows = database.rows(
        "SELECT kind, key, value FROM memo WHERE kind IN ('blob', 'implied') ORDER BY kind, key"
    )
    return [Memo(*row) for row in rows if row[1].partition(" ")[0] in layers]


def _holds(memo: Memo, chosen: _Chosen) -> bool:
    return memo.kind != "blob" or json.loads(memo.value)["digest"] in chosen.blobs


def _index(chosen: _Chosen) -> bytes:
    return canonical(
        {
            "format": FORMAT,
            "results": [
                {
                    "key": entry.key.hex(),
                    "value": base64.b64encode(entry.value).decode(),
                    "description": entry.description,
                    "layers": entry.layers,
                    "blobs": entry.blobs,
                    "used": entry.used,
                }
                for entry in sorted(chosen.entries)
            ],
            "memo": [memo._asdict() for memo in chosen.memos],
        }
    )


def _copy(source: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}")
    shutil.copyfile(source, new)
    new.replace(target)
