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
from typing import TYPE_CHECKING, Any, cast

from keelway.engine.errors import EngineError
from keelway.engine.store.cachefolder import CacheFolder, Entry, Memo, Travelled
from keelway.engine.store.database import now
from keelway.engine.store.descriptor import hex_of
from keelway.engine.store.space import disk_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.database import Database
    from keelway.engine.store.descriptor import Descriptor

_LAYER = re.compile(r"[bilps][0-9a-f]{32,64}")
_KEY = re.compile(r"[0-9a-f]{64}")
_THREADS = 3


def import_cache(database: Database, blobs: Blobs, folder: Path) -> Travelled:
    """Take over what this store has not; nothing of it is removed or replaced.

    Raises:
        EngineError: It is no cache, or damaged: nothing was taken over then.
    """
    source = CacheFolder(folder)
    digest, manifest, index = source.read()
    entries, memos = _parse(index, folder)
    named = {blob.digest for blob in manifest.layers}
    for entry in entries:
        if not named.issuperset(entry.blobs):
            raise EngineError(f"the cache in {folder} is damaged: it names blobs that it lacks")

    def take(blob: Descriptor) -> int:
        if blobs.has(blob.digest):
            return 0
        try:
            blobs.put_file(source.path(blob.digest), blob.media_type, expected=blob.digest)
        except FileNotFoundError as error:
            raise EngineError(
                f"the cache in {folder} is damaged: {blob.digest} is missing"
            ) from error
        except OSError as error:
            raise disk_error(error) or error from error
        return blob.size

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="import") as threads:
        moved = sum(threads.map(take, manifest.layers))
    _record(database, entries, memos)
    return Travelled(
        digest=digest,
        results=len(entries),
        blobs=len(manifest.layers),
        size=sum(blob.size for blob in manifest.layers),
        moved=moved,
    )


def _record(database: Database, entries: list[Entry], memos: list[Memo]) -> None:
    """Write the tables last: a result never stands there before the blobs that it needs."""
    time = now()
    with database.writing() as connection:
        connection.executemany("INSERT OR IGNORE INTO memo VALUES (?, ?, ?)", memos)
        connection.executemany(
            "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    entry.key,
                    entry.value,
                    entry.description,
                    " ".join(entry.layers),
                    " ".join(entry.blobs),
                    # As old as it is: what nobody uses here is not exported for ever.
                    min(entry.used, time),
                )
                for entry in entries
            ],
        )


def _parse(index: Mapping[str, Any], folder: Path) -> tuple[list[Entry], list[Memo]]:
    try:
        entries = [_entry(row) for row in index["results"]]
        memos = [_memo(row) for row in index["memo"]]
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise EngineError(f"the cache in {folder} is damaged: {error!r}") from error
    return entries, memos


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
    if kind == "blob":
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
