"""Take over a cache that another store wrote: its results at once, its layers when needed.

Nothing of it is trusted but its form: names of layers become paths here, so they are checked.
Whoever imports decides whether the content may be trusted, by the digest of the manifest.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from keelway.engine.errors import EngineError
from keelway.engine.store.cachefolder import (
    CacheFolder,
    Entry,
    Memo,
    Travelled,
    VolumeBlob,
)
from keelway.engine.store.database import now
from keelway.engine.store.descriptor import hex_of
from keelway.engine.store.packing import unpack
from keelway.engine.store.space import DiskFull, disk_error

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.database import Database
    from keelway.engine.store.descriptor import Descriptor
    from keelway.engine.store.volumes import Volumes

_LAYER = re.compile(r"[bhilps][0-9a-f]{32,64}")
_KEY = re.compile(r"[0-9a-f]{64}")
_BLOB = "blob"
_THREADS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """The list of results, read."""

    entries: list[Entry]
    memos: list[Memo]
    volumes: list[VolumeBlob]
    pulled: dict[str, int]

    def without(self, refused: Collection[str]) -> _Index:
        """Return what needs none of these blobs."""
        lost = {
            memo.key.partition(" ")[0]
            for memo in self.memos
            if memo.kind == _BLOB and json.loads(memo.value)["digest"] in refused
        }
        return _Index(
            entries=[
                entry
                for entry in self.entries
                if lost.isdisjoint(entry.layers) and not {*entry.blobs} & {*refused}
            ],
            memos=[memo for memo in self.memos if memo.key.partition(" ")[0] not in lost],
            volumes=[volume for volume in self.volumes if volume.digest not in refused],
            pulled={name: time for name, time in self.pulled.items() if name not in refused},
        )


class Importer:
    """Takes caches into a store."""

    def __init__(self, database: Database, blobs: Blobs, volumes: Volumes) -> None:
        """Take into these."""
        self._database = database
        self._blobs = blobs
        self._volumes = volumes

    def take(self, folder: Path, *, digest: str | None, pipeline: str) -> Travelled:
        """Take over what this store has not; nothing of it is removed or replaced.

        Of what is damaged nothing is taken, nor what needs it: that is made again.

        Args:
            folder: What another store has written.
            digest: The only manifest that is believed; any where it is absent.
            pipeline: Who uses it from now on, as far as it was used.

        Raises:
            EngineError: It is no cache, its list is damaged, or it is not the one that was meant.
        """
        source = CacheFolder(folder)
        found, manifest, body = source.read()
        if digest is not None and found != digest:
            raise EngineError(
                f"the cache in {folder} is not the one that was meant: it is {found}, not {digest}"
            )
        index = _parse(body, folder)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="import") as threads:
            taken = list(threads.map(partial(self._take, source), manifest.layers))
        refused = {
            blob.digest: one
            for blob, one in zip(manifest.layers, taken, strict=True)
            if isinstance(one, str)
        }
        named = {blob.digest for blob in manifest.layers}
        for absent in _needed(index) - named:
            refused[absent] = f"{absent} is missing"
        kept = index.without(refused.keys())
        for volume in kept.volumes:
            self._fill(volume)
        self._record(kept, pipeline)
        return Travelled(
            digest=found,
            results=len(kept.entries),
            blobs=len(manifest.layers) - len(refused.keys() & named),
            size=sum(blob.size for blob in manifest.layers if blob.digest not in refused),
            moved=sum(one for one in taken if isinstance(one, int)),
            refused=tuple(sorted(refused.values())),
        )

    def _take(self, source: CacheFolder, blob: Descriptor) -> int | str:
        """Return how much was copied, or what is wrong with it."""
        if self._blobs.has(blob.digest):
            return 0
        try:
            self._blobs.put_file(source.path(blob.digest), blob.media_type, expected=blob.digest)
        except FileNotFoundError:
            return f"{blob.digest} is missing"
        except OSError as error:
            raise disk_error(error) or error from error
        except DiskFull:
            raise
        except EngineError as error:
            return f"{blob.digest} is damaged: {error}"
        return blob.size

    def _fill(self, volume: VolumeBlob) -> None:
        """Make a volume that is not here; one that is here is somebody's, and stays as it is."""
        path = self._blobs.path(volume.digest)

        def fill(folder: Path) -> None:
            unpack(path, "zstd", folder)

        if not self._volumes.has(volume.identity):
            self._volumes.seed(volume.identity, fill)

    def _record(self, index: _Index, pipeline: str) -> None:
        """Write the tables last: a result never stands there before the blobs that it needs."""
        time = now()
        # As old as it is: what nobody uses here is not exported for ever.
        uses = {"o" + entry.key.hex(): entry.used for entry in index.entries} | index.pulled
        with self._database.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO memo VALUES (?, ?, ?)", index.memos)
            connection.executemany(
                "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        entry.key,
                        entry.value,
                        entry.description,
                        " ".join(entry.layers),
                        " ".join(entry.blobs),
                        min(entry.used, time),
                    )
                    for entry in index.entries
                ],
            )
            connection.executemany(
                "INSERT INTO uses VALUES (?, ?, ?) ON CONFLICT (pipeline, name) "
                "DO UPDATE SET time = max(time, excluded.time)",
                [(pipeline, name, min(used, time)) for name, used in uses.items()],
            )


def missing_blobs(blobs: Blobs, folder: Path) -> list[str]:
    """Return the digests of what a cache names and a store has not.

    Raises:
        EngineError: It is no cache.
    """
    _, manifest, _ = CacheFolder(folder).read()
    return sorted(blob.digest for blob in manifest.layers if not blobs.has(blob.digest))


def _needed(index: _Index) -> set[str]:
    return {
        *(digest for entry in index.entries for digest in entry.blobs),
        *(volume.digest for volume in index.volumes),
    }


def _parse(index: Mapping[str, Any], folder: Path) -> _Index:
    try:
        return _Index(
            entries=[_entry(row) for row in index["results"]],
            memos=[_memo(row) for row in index["memo"]],
            volumes=[_volume(row) for row in index["volumes"]],
            pulled={_digest(str(name)): int(time) for name, time in index["pulled"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise EngineError(f"the cache in {folder} is damaged: {error!r}") from error


def _volume(row: Mapping[str, Any]) -> VolumeBlob:
    return VolumeBlob(
        identity=str(row["identity"]), digest=_digest(str(row["digest"])), used=int(row["used"])
    )


def _entry(row: Mapping[str, Any]) -> Entry:
    value = base64.b64decode(row["value"], validate=True)
    _check_paths(value)
    key = str(row["key"])
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")
    return Entry(
        key=bytes.fromhex(key),
        value=value,
        description=str(row["description"]),
        layers=tuple(_layer(str(name)) for name in row["layers"]),
        blobs=tuple(_digest(str(name)) for name in row["blobs"]),
        used=int(row["used"]),
    )


def _memo(row: Mapping[str, Any]) -> Memo:
    kind, key, value = str(row["kind"]), str(row["key"]), str(row["value"])
    _layer(key.partition(" ")[0])
    body = json.loads(value)
    if kind == _BLOB:
        _digest(str(body["digest"]))
        _digest(str(body["diff_id"]))
        if {*body} != {"digest", "diff_id", "size", "media_type"}:
            raise ValueError(f"{value!r} is no blob of a layer")
    elif kind != "implied" or not isinstance(body, list):
        raise ValueError(f"{kind!r} is nothing that layers have")
    _check_paths(value.encode())
    return Memo(kind=kind, key=key, value=value)


def _layer(name: str) -> str:
    if not _LAYER.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a layer")
    return name


def _digest(text: str) -> str:
    hex_of(text)
    return text


def _check_paths(value: bytes) -> None:
    """Refuse a path that leads out of a layer; results have layers as `id/sub/path`."""
    try:
        body = json.loads(value)
    except ValueError:
        return  # plain text: nothing in it is a path
    stack: list[object] = [body]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            stack.extend(cast("dict[str, object]", top).values())
        elif isinstance(top, list):
            stack.extend(cast("list[object]", top))
        elif isinstance(top, str) and ".." in top.split("/"):
            raise ValueError(f"{top!r} leads out of its layer")
