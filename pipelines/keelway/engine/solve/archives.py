"""Local archives that `ADD` unpacks: tar, plain or by gzip, bzip2, xz or zstd."""

from __future__ import annotations

import bz2
import lzma
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from keelway.engine.errors import EngineError
from keelway.engine.store.decompress import plain_blocks
from keelway.engine.store.tarstream import TarStream
from keelway.engine.store.untar import Unpacker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1 << 18
_HEADER = 512
_CHECKSUM = slice(148, 156)


def is_archive(path: Path) -> bool:
    """Say whether a file's contents are a tar archive; its name says nothing."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    with path.open("rb") as file:
        try:
            return _is_header(_start(_blocks(file)))
        except (EngineError, EOFError, OSError, lzma.LZMAError):
            return False


def unpack(path: Path, folder: Path) -> None:
    """Write an archive's entries below an empty folder; none of them leaves it.

    Raises:
        EngineError: The archive is damaged.
    """
    folder.chmod(0o755)
    with path.open("rb") as file:
        try:
            Unpacker(os.fsencode(folder)).unpack(TarStream(_blocks(file), _nobody))
        except (EOFError, OSError, lzma.LZMAError) as error:
            raise EngineError(f"the archive is damaged: {error}") from error


def _nobody(_data: bytes) -> None:
    """Take what nobody wants to see."""


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"BZh"):
        return _read(bz2.BZ2File(file))
    if magic == b"\xfd7zXZ\0":
        return _read(lzma.LZMAFile(file))
    return plain_blocks(file, "uncompressed", _nobody)


def _read(file: bz2.BZ2File | lzma.LZMAFile) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _start(blocks: Iterator[bytes]) -> bytes:
    found = b""
    for block in blocks:
        found += block
        if len(found) >= _HEADER:
            break
    return found[:_HEADER]


def _is_header(data: bytes) -> bool:
    """Say whether these bytes are a tar header: its own checksum decides."""
    if len(data) < _HEADER or not data.strip(b"\0"):
        return False
    digits = data[_CHECKSUM].strip(b"\0 ")
    try:
        stored = int(digits, 8)
    except ValueError:
        return False
    blank = bytearray(data)
    blank[_CHECKSUM] = b" " * 8
    return stored == sum(blank)
