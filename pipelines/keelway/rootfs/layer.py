"""A layer out of extracted packages: sorted, with fixed times, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, cast

from keelway.rootfs.bytecode import borrowed_bytecode
from keelway.rootfs.entry import Entry, read_entries
from keelway.rootfs.excluded import is_below, is_excluded
from keelway.rootfs.finish import finishing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

GZIP_LEVEL = 6
_GZIP = 16 + zlib.MAX_WBITS  # a gzip header without name and time


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A compressed layer in a file."""

    path: Path
    digest: str
    """Of the compressed bytes."""
    size: int
    diff_id: str
    """Of the bytes before compression."""
    content_bytes: int
    """Size of all files."""
    epoch: int
    """The newest time in it, in seconds since 1970."""


def make_layer(
    source: Path,
    target: Path,
    *,
    started: int,
    epoch: int | None = None,
    donor: Path | None = None,
    leave_out: Sequence[str] = (),
) -> Layer:
    """Write the layer of a tar file of extracted packages.

    Args:
        source: The tar file.
        target: Where the layer is written.
        started: When the extraction began, in seconds since 1970: what is newer came from no
            package.
        epoch: The newest time a file may have; that of the newest file of a package when absent.
        donor: A tar file of another architecture's packages, with Python's bytecode.
        leave_out: What the user does not need, as in `is_below`.
    """
    with ExitStack() as stack:
        archive = stack.enter_context(tarfile.open(source, "r:"))
        everything = read_entries(archive)
        added = list(finishing(everything, archive))
        if donor is not None:
            other = stack.enter_context(tarfile.open(donor, "r:"))
            added += borrowed_bytecode(everything, archive, read_entries(other), other)
        entries = {path: entry for path, entry in everything.items() if not is_excluded(path)}
        entries |= {entry.path: entry for entry in added}
        entries = {path: entry for path, entry in entries.items() if not is_below(path, leave_out)}
        entries = _with_whole_links(entries, everything)
        newest = epoch if epoch is not None else _newest(entries.values(), started)
        settled = [_settled(entries[path], newest, started) for path in sorted(entries, key=_order)]
        return _write(settled, archive, target, newest)


def _order(path: str) -> tuple[str, ...]:
    """Put every directory before what is in it."""
    return tuple(path.split("/"))


def _newest(entries: Iterable[Entry], started: int) -> int:
    times = [entry.mtime for entry in entries if entry.mtime < started]
    return max(times, default=0)


def _settled(entry: Entry, newest: int, started: int) -> Entry:
    """Return the entry with a time that does not tell when the layer was made."""
    made_here = entry.content is not None or entry.mtime >= started or entry.mtime == 0
    if made_here or entry.kind == tarfile.DIRTYPE or entry.mtime > newest:
        return entry.at(newest)
    return entry


def _with_whole_links(
    entries: Mapping[str, Entry], everything: Mapping[str, Entry]
) -> dict[str, Entry]:
    """Return the entries with each hard link behind the file that it names.

    A file that is left out leaves its links behind: the first of them becomes the file.
    """
    result = dict(entries)
    for path in sorted(entries, key=_order):
        entry = result[path]
        if entry.kind != tarfile.LNKTYPE:
            continue
        holder = entry.link
        if holder in result and _order(holder) < _order(path):
            continue
        original = everything[holder]
        result[path] = replace(original, path=path)
        for other, link in result.items():
            if link.kind == tarfile.LNKTYPE and link.link == holder and other != path:
                result[other] = replace(link, link=path)
        if holder in result:
            result[holder] = replace(
                original, kind=tarfile.LNKTYPE, link=path, member=None, content=None
            )
    return result


def _write(entries: Iterable[Entry], archive: tarfile.TarFile, target: Path, newest: int) -> Layer:
    total = 0
    with target.open("wb") as file:
        stream = _Compressed(file)
        written = cast("IO[bytes]", stream)  # a stream is only ever written to
        with tarfile.open(fileobj=written, mode="w|", format=tarfile.PAX_FORMAT) as out:
            for entry in entries:
                total += entry.size
                out.addfile(entry.header(), _stream_of(entry, archive))
        stream.finish()
    return Layer(
        path=target,
        digest=f"sha256:{stream.digest.hexdigest()}",
        size=stream.size,
        diff_id=f"sha256:{stream.diff_id.hexdigest()}",
        content_bytes=total,
        epoch=newest,
    )


def _stream_of(entry: Entry, archive: tarfile.TarFile) -> IO[bytes] | None:
    if entry.content is not None:
        return io.BytesIO(entry.content)
    return archive.extractfile(entry.member) if entry.member is not None else None


class _Compressed:
    """A file that compresses what is written to it, and knows the digests of both sides."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP)
        self.digest = hashlib.sha256()
        self.diff_id = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.diff_id.update(data)
        self._put(self._compressor.compress(data))
        return len(data)

    def finish(self) -> None:
        self._put(self._compressor.flush())

    def _put(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)
        self._file.write(data)
