"""Write what a pipeline used of a store into a folder, from which another store takes it."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.cachefolder import (
    FORMAT,
    PLAIN,
    CacheFolder,
    Entry,
    Memo,
    Travelled,
    VolumeBlob,
)
from keelway.engine.store.database import now
from keelway.engine.store.descriptor import Descriptor
from keelway.engine.store.manifest import canonical
from keelway.engine.store.packing import pack
from keelway.engine.store.space import disk_error
from keelway.engine.store.tar import TarWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.database import Database
    from keelway.engine.store.layers import Layers
    from keelway.engine.store.volumes import Volumes

_RESULT = "o"
_DIGEST = "sha256:"


@dataclass(slots=True)
class _Chosen:
    """What goes along."""

    entries: list[Entry]
    blobs: dict[str, Descriptor] = field(default_factory=dict[str, Descriptor])
    memos: list[Memo] = field(default_factory=list[Memo])
    volumes: list[VolumeBlob] = field(default_factory=list[VolumeBlob])
    pulled: dict[str, int] = field(default_factory=dict[str, int])
    """Blobs that no result speaks of, as manifests of base images, and when they were used."""


class Exporter:
    """Writes a part of a store into folders."""

    def __init__(self, database: Database, layers: Layers, blobs: Blobs, volumes: Volumes) -> None:
        """Take from these."""
        self._database = database
        self._layers = layers
        self._blobs = blobs
        self._volumes = volumes

    def export(
        self, folder: Path, *, since: int, pipeline: str | None, volumes: Sequence[str]
    ) -> Travelled:
        """Make a folder a cache of what was used since then.

        What it has already is not written again.

        Args:
            folder: Where to.
            since: Nanoseconds since 1970.
            pipeline: Whose uses count; those of all where it is absent.
            volumes: Cache volumes that go along, by name.

        Raises:
            EngineError: The folder holds something else, or the disk is full.
        """
        target = CacheFolder(folder)
        try:
            target.prepare()
            chosen = self._choose(since, pipeline)
            chosen.volumes = [self._volume(one) for key in volumes for one in self._there(key)]
            moved = 0
            for volume in chosen.volumes:
                chosen.blobs[volume.digest] = self._descriptor(volume.digest, PLAIN)
            for blob in chosen.blobs.values():
                if not target.has(blob):
                    _copy(self._blobs.path(blob.digest), target.path(blob.digest))
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

    def _choose(self, since: int, pipeline: str | None) -> _Chosen:
        used = self._used(pipeline)
        # Folders and files of the host are looked at anew on each machine, and are no results. What
        # was made on them is found by their contents, and needs them to stand on.
        entries = _entries(self._database, used, any_pipeline=pipeline is None)
        needed = {layer for entry in entries if entry.used >= since for layer in entry.layers}
        archives = {layer: self._layers.to_archive(layer) for layer in sorted(needed)}
        there = {layer for layer, archive in archives.items() if archive is not None}
        # A chain that was found at its end was not looked up before it, but a change needs its
        # middle.
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
        alone = {
            name: time
            for name, time in used.items()
            if name.startswith(_DIGEST) and time >= since and self._blobs.has(name)
        }
        chosen.pulled = {name: alone[name] for name in alone.keys() - chosen.blobs.keys() - wanted}
        for digest in (wanted | chosen.pulled.keys()) - chosen.blobs.keys():
            if self._blobs.has(digest):
                chosen.blobs[digest] = self._descriptor(digest, PLAIN)
        chosen.entries = [
            entry for entry in chosen.entries if chosen.blobs.keys() >= {*entry.blobs}
        ]
        chosen.memos = [memo for memo in _memos(self._database, there) if _holds(memo, chosen)]
        return chosen

    def _used(self, pipeline: str | None) -> dict[str, int]:
        """Return when sessions used what; this command's own looking is no use."""
        where, values = ("", ()) if pipeline is None else ("WHERE pipeline = ?", (pipeline,))
        sql = f"SELECT name, max(time) FROM uses {where} GROUP BY name"  # noqa: S608 - of these two
        return dict(self._database.rows(sql, values))

    def _there(self, key: str) -> list[str]:
        return self._volumes.named(key)

    def _volume(self, identity: str) -> VolumeBlob:
        """Make what a volume holds now a blob; the same contents are the same blob."""
        data = self._volumes.path(identity)
        with self._volumes.lock(identity):
            packed = pack(
                self._blobs,
                "zstd",
                lambda sink: TarWriter(sink, epoch=None, exact=True).layer(data),
            )
        return VolumeBlob(identity=identity, digest=packed.digest, used=now())

    def _descriptor(self, digest: str, media_type: str) -> Descriptor:
        size = self._blobs.path(digest).stat().st_size
        return Descriptor(media_type=media_type, digest=digest, size=size)


def _entries(database: Database, used: dict[str, int], *, any_pipeline: bool) -> list[Entry]:
    rows = database.rows("SELECT key, value, description, layers, blobs, created FROM results")
    return [
        Entry(
            key=bytes(key),
            value=bytes(value),
            description=description,
            layers=tuple(layers.split()),
            blobs=tuple(blobs.split()),
            # What a killed session made is known by its time alone, and not whose it was.
            used=max(used.get(_RESULT + bytes(key).hex(), 0), created if any_pipeline else 0),
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
            "pulled": chosen.pulled,
            "volumes": [volume._asdict() for volume in chosen.volumes],
        }
    )


def _copy(source: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}")
    shutil.copyfile(source, new)
    new.replace(target)
