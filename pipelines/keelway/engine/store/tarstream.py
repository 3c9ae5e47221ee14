"""Reading of tar streams: one entry after the other, from blocks of bytes.

Knows what image layers contain: the ustar form, PAX records (also global ones), GNU's long names
and large numbers. Sparse files of the old GNU kind are refused rather than misread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ZERO = bytes(512)
_XATTR = b"SCHILY.xattr."


@dataclass(slots=True, kw_only=True)
class TarEntry:
    """One entry of a tar stream."""

    name: bytes
    kind: bytes
    """`0` file, `1` hard link, `2` symbolic link, `3`, `4` devices, `5` directory, `6` fifo."""
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes
    device: tuple[int, int]
    xattrs: list[tuple[bytes, bytes]]


class TarStream:
    """Entries of a tar stream, and the content of the one that was read last."""

    def __init__(self, blocks: Iterator[bytes], seen: Callable[[bytes], object]) -> None:
        """Read from these blocks; `seen` is given every byte, in order."""
        self._blocks = blocks
        self._seen = seen
        self._data = b""
        self._at: int = 0
        self._left: int = 0
        self._padding = 0

    def entries(self) -> Iterator[TarEntry]:
        """Give the entries; what was not read of one's content is skipped.

        Raises:
            EngineError: This is no tar stream, or a damaged one.
        """
        shared: dict[bytes, bytes] = {}
        own: dict[bytes, bytes] = {}
        while (header := self._header()) is not None:
            kind = header[156:157]
            if kind in b"xgLK" and kind:
                records = self._extension(kind, _number(header[124:136]))
                (shared if kind == b"g" else own).update(records)
                continue
            entry = _entry(header, shared | own if shared else own)
            if kind == b"S" or b"GNU.sparse.major" in own:
                raise EngineError(f"{_text(entry.name)} is a sparse file, which is not supported")
            own = {}
            self._left = entry.size if entry.kind == b"0" else 0
            self._padding = -self._left % 512
            yield entry
        self._drain()

    def content(self) -> Iterator[bytes]:
        """Give what is left of the content of the entry that was read last."""
        while self._left:
            if self._at == len(self._data):
                self._next()
            piece = self._data[self._at : self._at + self._left]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def _header(self) -> bytes | None:
        for _ in self.content():
            pass
        if self._padding:
            self._take(self._padding)
            self._padding = 0
        header = self._take(512, may_end=True)
        if not header or header == _ZERO:
            return None
        found = _number(header[148:156])
        if found != sum(header) - sum(header[148:156]) + 8 * 32:
            raise EngineError("the tar stream is damaged: the checksum of a header is wrong")
        return header

    def _extension(self, kind: bytes, size: int) -> dict[bytes, bytes]:
        body = self._take(size)
        self._take(-size % 512)
        if kind == b"L":
            return {b"path": body.rstrip(b"\0")}
        if kind == b"K":
            return {b"linkpath": body.rstrip(b"\0")}
        return _records(body)

    def _take(self, size: int, *, may_end: bool = False) -> bytes:
        end = self._at + size
        while end > len(self._data):
            if not self._next(keep=True):
                if may_end and self._at == len(self._data):
                    return b""
                raise EngineError("the tar stream is damaged: it ends too early")
            end = self._at + size
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def _next(self, *, keep: bool = False) -> bool:
        block = next(self._blocks, None)
        if block is None:
            if keep:
                return False
            raise EngineError("the tar stream is damaged: it ends too early")
        self._seen(block)
        self._data = self._data[self._at :] + block
        self._at = 0
        return True

    def _drain(self) -> None:
        for block in self._blocks:
            self._seen(block)


def _entry(header: bytes, records: dict[bytes, bytes]) -> TarEntry:
    name = _string(header[:100])
    if header[257:263] == b"ustar\0" and header[345]:
        name = _string(header[345:500]) + b"/" + name
    kind = header[156:157]
    if kind in b"\x007":
        kind = b"0"
    size = int(records[b"size"]) if b"size" in records else _number(header[124:136])
    name = records.get(b"path", name)
    if kind == b"0" and name.endswith(b"/"):
        kind = b"5"
    return TarEntry(
        name=name,
        kind=kind,
        mode=_number(header[100:108]) & 0o7777,
        uid=int(records.get(b"uid", b"-1")) if b"uid" in records else _number(header[108:116]),
        gid=int(records.get(b"gid", b"-1")) if b"gid" in records else _number(header[116:124]),
        size=size,
        mtime_ns=_time(records.get(b"mtime"), header[136:148]),
        link=records.get(b"linkpath", _string(header[157:257])),
        device=(_number(header[329:337]), _number(header[337:345])) if kind in b"34" else (0, 0),
        xattrs=[
            (key[len(_XATTR) :], value) for key, value in records.items() if key.startswith(_XATTR)
        ]
        if records
        else [],
    )


def _time(record: bytes | None, fallback: bytes) -> int:
    if record is None:
        return _number(fallback) * 1_000_000_000
    whole, _, part = record.partition(b".")
    sign = -1 if whole.startswith(b"-") else 1
    return int(whole) * 1_000_000_000 + sign * int((part + b"000000000")[:9])


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        value = int.from_bytes(field, "big")
        if field[0] == 0xFF:  # noqa: PLR2004 - GNU's mark of a negative number
            return value - (1 << (8 * len(field)))
        return value & ((1 << (8 * len(field) - 1)) - 1)
    text = field.split(b"\0", 1)[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise EngineError("the tar stream is damaged: a number in a header is none") from None


def _string(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _records(body: bytes) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(body) and body[at]:
        try:
            space = body.index(b" ", at)
            end = at + int(body[at:space])
        except ValueError:
            raise EngineError("the tar stream is damaged: a PAX record is malformed") from None
        key, _, value = body[space + 1 : end - 1].partition(b"=")
        records[key] = value
        at = end
    return records


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
