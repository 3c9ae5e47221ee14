"""What is in a built image: its configuration, its sizes, and the files that are left at the end.

Read from the image's OCI archive, so the same for every engine and for either line of the SDK;
nothing is unpacked.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MAKER_CHARACTERS = 2000
"""No more is kept of an instruction: a RUN can hold a whole script."""

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_LINKS_AT_MOST = 40
# What `tarfile` reads by itself: gzip, bzip2, xz, and a tar of nothing but zeroes.
_READ = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", bytes(512))
_TAR, _TAR_AT = b"ustar", 257
_MAGIC_BYTES = 512
# RFC 8878: a frame, and the last three bytes of a frame that is skipped.
_ZSTD, _ZSTD_SKIPPED = b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"


class UnreadableImageError(ValueError):
    """The archive is none, or is in a form that cannot be read here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of an image."""

    size_bytes: int = 0
    mode: int = 0
    link: str | None = None
    """Where a symbolic link points."""
    directory: bool = False


@dataclass(slots=True)
class Tree:
    """The files of an image, layer upon layer."""

    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    """By path, without a slash in front."""
    layer_bytes: list[int] = field(default_factory=list[int])
    wasted_bytes: int = 0
    _own: set[str] = field(default_factory=set[str])

    def begin_layer(self) -> None:
        """Begin the next layer."""
        self.layer_bytes.append(0)
        self._own = set()

    def add(self, path: str, entry: Entry) -> None:
        """Put one entry of the layer's tar over what is there."""
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            self._remove_below(folder)
            return
        if name.startswith(_WHITEOUT):
            gone = posixpath.join(folder, name.removeprefix(_WHITEOUT))
            self._remove(gone)
            self._remove_below(gone)
            return
        self.layer_bytes[-1] += entry.size_bytes
        old = self.entries.get(path)
        if old is not None and old.directory and not entry.directory:
            self._remove_below(path)
        if old is not None and path not in self._own:
            self.wasted_bytes += old.size_bytes
        self.entries[path] = entry
        self._own.add(path)

    def _remove(self, path: str) -> None:
        if path not in self._own and (old := self.entries.pop(path, None)) is not None:
            self.wasted_bytes += old.size_bytes

    def _remove_below(self, folder: str) -> None:
        prefix = f"{folder}/" if folder else ""
        for path in [path for path in self.entries if path.startswith(prefix)]:
            self._remove(path)

    def resolve(self, path: str) -> str | None:
        """Return where a path leads through links; nothing when there is no such file."""
        todo, done = path.strip("/").split("/"), ""
        for _ in range(len(todo) + _LINKS_AT_MOST * 8):
            if not todo:
                return done or None
            part = todo.pop(0)
            if part in {"", "."}:
                continue
            if part == "..":
                done = posixpath.dirname(done)
                continue
            done = posixpath.join(done, part)
            entry = self.entries.get(done)
            if entry is not None and entry.link is not None:
                done = "" if entry.link.startswith("/") else posixpath.dirname(done)
                todo = [*entry.link.split("/"), *todo]
            elif entry is None and not todo:
                return None
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer, as the image's manifest and history have it."""

    digest: str
    compressed_bytes: int
    created_by: str | None = None
    """The instruction that made it; nothing when the history does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """What an image's archive says."""

    config: Mapping[str, Any]
    """The part `config` of the image's configuration: `User`, `Healthcheck`, ..."""
    tree: Tree
    compressed_bytes: int
    layers: tuple[Layer, ...] = ()
    """The lowest first."""
    unread: str | None = None
    """Why the files are not known: a layer in a form that nothing here reads."""

    @property
    def size_bytes(self) -> int:
        """The files of all layers, unpacked."""
        return sum(self.tree.layer_bytes)

    def to_data(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        entries = self.tree.entries
        return {
            "config": dict(self.config),
            "entries": {
                path: (one.size_bytes, one.mode, one.link, one.directory)
                for path, one in entries.items()
            },
            "layer_bytes": self.tree.layer_bytes,
            "wasted_bytes": self.tree.wasted_bytes,
            "compressed_bytes": self.compressed_bytes,
            "layers": [(one.digest, one.compressed_bytes, one.created_by) for one in self.layers],
            "unread": self.unread,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> ImageContent:
        """Return what `to_data` was given of; more layers cannot be put upon it."""
        entries = {
            path: Entry(size_bytes=size, mode=mode, link=link, directory=directory)
            for path, (size, mode, link, directory) in data["entries"].items()
        }
        return cls(
            config=data["config"],
            tree=Tree(
                entries=entries,
                layer_bytes=list(data["layer_bytes"]),
                wasted_bytes=data["wasted_bytes"],
            ),
            compressed_bytes=data["compressed_bytes"],
            layers=tuple(
                Layer(digest=digest, compressed_bytes=size, created_by=maker)
                for digest, size, maker in data["layers"]
            ),
            unread=data["unread"],
        )


def read_content(archive: Path) -> ImageContent:
    """Return what is in an image, from its OCI archive.

    A layer may be packed as nothing here reads, as by zstd, or stay elsewhere, as foreign layers
    do: then the image's configuration is all that is known, and `unread` says why.

    Raises:
        UnreadableImageError: It is no OCI archive of one image, or is damaged.
    """
    try:
        with tarfile.open(archive) as tar:
            manifest = _manifest(tar)
            config = json.loads(_blob(tar, manifest["config"]["digest"]).read())
            tree, unread = _read_layers(tar, manifest["layers"])
    except (tarfile.TarError, KeyError, ValueError, TypeError, OSError, EOFError) as error:
        if isinstance(error, UnreadableImageError):
            raise
        raise UnreadableImageError(f"not an OCI archive of an image: {error}") from error
    return ImageContent(
        config=config.get("config") or {},
        tree=tree,
        compressed_bytes=sum(layer["size"] for layer in manifest["layers"]),
        layers=_layers(manifest["layers"], config.get("history") or ()),
        unread=unread,
    )


def _layers(
    layers: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]]
) -> tuple[Layer, ...]:
    """Return the layers; who made each is known where the history has an entry for every one."""
    makers = [entry.get("created_by") for entry in history if not entry.get("empty_layer")]
    told = makers if len(makers) == len(layers) else [None] * len(layers)
    return tuple(
        Layer(
            digest=str(layer["digest"]),
            compressed_bytes=int(layer["size"]),
            created_by=str(maker)[:MAKER_CHARACTERS] if maker else None,
        )
        for layer, maker in zip(layers, told, strict=True)
    )


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    stream = tar.extractfile("index.json")
    found: dict[str, Any] = json.loads(stream.read() if stream else b"")
    while "layers" not in found:
        found = json.loads(_blob(tar, found["manifests"][0]["digest"]).read())
    return found


def _blob(tar: tarfile.TarFile, digest: str) -> IO[bytes]:
    stream = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
    if stream is None:
        raise UnreadableImageError(f"{digest} is no file in it")
    return stream


def _read_layers(
    tar: tarfile.TarFile, layers: Sequence[Mapping[str, Any]]
) -> tuple[Tree, str | None]:
    """Return the files of all layers; none, and why, where a layer cannot be read."""
    tree = Tree()
    for layer in layers:
        reason = _unreadable(tar, layer)
        if reason is not None:
            return Tree(), f"{reason} (its media type is {layer.get('mediaType', 'not told')})"
        _read_layer(tree, tar, layer)
    return tree, None


def _unreadable(tar: tarfile.TarFile, layer: Mapping[str, Any]) -> str | None:
    """Return why a layer cannot be read: by its first bytes, for media types are many."""
    digest = str(layer["digest"])
    try:
        begin = _blob(tar, digest).read(_MAGIC_BYTES)
    except KeyError:
        return f"layer {digest} is not in the image's archive"
    if not begin or begin.startswith(_READ) or begin[_TAR_AT:].startswith(_TAR):
        return None
    if begin.startswith(_ZSTD) or begin[1:4] == _ZSTD_SKIPPED:
        return f"layer {digest} is compressed by zstd"
    return f"layer {digest} is packed in an unknown way"


def _read_layer(tree: Tree, tar: tarfile.TarFile, layer: Mapping[str, Any]) -> None:
    tree.begin_layer()
    with tarfile.open(fileobj=_blob(tar, layer["digest"])) as content:
        for member in content:
            path = posixpath.normpath(member.name).lstrip("/")
            if path != ".":
                tree.add(path, _entry(member))


def _entry(member: tarfile.TarInfo) -> Entry:
    return Entry(
        size_bytes=member.size if member.isreg() else 0,
        mode=member.mode,
        link=member.linkname if member.issym() else None,
        directory=member.isdir(),
    )
