"""What the store holds, what each part takes, and when it was last used."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from keelway.engine.store.database import Database

_BLOCK = 512
_KINDS = {
    "l": "operation",
    "b": "image layer",
    "i": "image layer",
    "s": "squashed layers",
    "p": "part of a layer",
}
BLOB = "blob"
VOLUME = "cache volume"
KINDS = (*dict.fromkeys(_KINDS.values()), BLOB, VOLUME)
"""What parts of a store can be."""


@dataclass(slots=True, kw_only=True)
class Part:
    """One layer, blob or cache volume."""

    name: str
    """As it is marked when it is used: a layer's id, a digest, `v` and a volume's name."""
    kind: str
    path: Path
    size: int
    """Bytes on disk; a file that several layers have counts in parts."""
    created: int
    used: int
    """Nanoseconds since 1970, as `created`."""
    description: str = ""
    active: bool = False
    """A live session uses it."""
    results: list[bytes] = field(default_factory=list[bytes])
    """Keys of the operations that need it."""
    layers: list[str] = field(default_factory=list[str])
    """Of a blob: the layers that were made from it, or it from them."""

    def is_in_use(self, pins: Collection[str]) -> bool:
        """Tell whether live sessions have marked it, or what needs it."""
        return (
            self.name in pins
            or any("o" + key.hex() in pins for key in self.results)
            or any(layer in pins for layer in self.layers)
        )


class Usage:
    """A look at all parts of a store."""

    def __init__(self, root: Path, database: Database, pins: frozenset[str]) -> None:
        """Read what is there; `pins` are the marks of live sessions."""
        self._root = root
        self._database = database
        self._times: dict[str, int] = dict(database.rows("SELECT name, time FROM used"))
        self.parts: dict[str, Part] = {}
        for layer in _entries(root / "layers"):
            self._add(layer.name, _KINDS.get(layer.name[0], "layer"), layer)
        for blob in _entries(root / "blobs" / "sha256"):
            self._add("sha256:" + blob.name, BLOB, blob)
        for volume in _entries(root / "volumes"):
            self._add("v" + volume.name, VOLUME, volume)
        self._attribute()
        for part in self.parts.values():
            part.active = part.is_in_use(pins)

    def measure(self) -> None:
        """Find the sizes of all parts; those of layers, which never change, are remembered."""
        known = dict(self._database.rows("SELECT key, value FROM memo WHERE kind = 'size'"))
        fresh: list[tuple[str, str]] = []
        for part in self.parts.values():
            if part.kind == BLOB:
                part.size = _file_size(part.path)
                continue
            # A volume changes until its session ends, which is noted then; others never do.
            mark = f" {part.used}" if part.kind == VOLUME else ""
            size, space, marked = known.get(part.name, "").partition(" ")
            if size and space + marked == mark and not (mark and part.active):
                part.size = int(size)
                continue
            part.size = _tree_size(part.path)
            if part.path.exists():  # else another prunes at the same time, and the sum is short
                fresh.append((part.name, f"{part.size}{mark}"))
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO memo VALUES ('size', ?, ?)", fresh)

    def _add(self, name: str, kind: str, path: Path) -> None:
        try:
            created = path.lstat().st_ctime_ns
        except FileNotFoundError:
            return  # somebody else has just made room
        used = max(self._times.get(name, 0), created)
        text = ""
        if kind == VOLUME:
            text = _text(path / "identity")
        self.parts[name] = Part(
            name=name, kind=kind, path=path, size=0, created=created, used=used, description=text
        )

    def _attribute(self) -> None:
        """Tie parts to the operations and layers that need them: used with them, described so."""
        rows = self._database.rows(
            "SELECT key, description, layers, blobs, created FROM results ORDER BY created"
        )
        for key, description, layers, blobs, created in rows:
            used = max(self._times.get("o" + key.hex(), 0), created)
            for name in (*layers.split(), *blobs.split()):
                self._tie(name, used, description, key)
        for (value,) in self._database.rows("SELECT value FROM memo WHERE kind = 'host'"):
            record: Mapping[str, object] = json.loads(value)
            self._host(record)
        for key, value in self._database.rows("SELECT key, value FROM memo WHERE kind = 'blob'"):
            layer = self.parts.get(key.partition(" ")[0])
            blob = self.parts.get(json.loads(value)["digest"])
            if layer is not None and blob is not None:
                blob.used = max(blob.used, layer.used)
                blob.results.extend(layer.results)
                blob.layers.append(layer.name)
                blob.description = blob.description or layer.description

    def _host(self, record: Mapping[str, object]) -> None:
        layers = record.get("layers")
        for layer in cast("list[str]", layers) if isinstance(layers, list) else []:
            part = self.parts.get(layer)
            if part is not None:
                part.description = part.description or f"host {record.get('path')}"

    def _tie(self, name: str, used: int, description: str, key: bytes) -> None:
        part = self.parts.get(name)
        if part is not None:
            part.used = max(part.used, used)
            part.results.append(key)
            part.description = part.description or description


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _allocated(status: os.stat_result) -> int:
    return status.st_blocks * _BLOCK // (1 if stat.S_ISDIR(status.st_mode) else status.st_nlink)


def _file_size(path: Path) -> int:
    try:
        return _allocated(path.lstat())
    except FileNotFoundError:
        return 0  # removed meanwhile


def _tree_size(path: Path) -> int:
    try:
        total = _allocated(path.lstat())
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += _tree_size(path / entry.name)
                else:
                    total += _allocated(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return 0  # removed meanwhile
    return total


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
