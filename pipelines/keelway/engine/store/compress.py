"""Compression of layers: the same bytes in give the same bytes out, on any number of threads.

Gzip is written in pieces of 1 MiB that are compressed side by side, each a gzip member of its own;
members that follow each other are one stream (RFC 1952, 2.2). They are made by libdeflate, which
is three times as fast as zlib at the same size and gives the same bytes on every processor. Pieces
that a sample shows to be incompressible are stored.
"""

from __future__ import annotations

import collections
import contextlib
import os
import subprocess
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, Protocol

import deflate

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

BLOCK = 1 << 20
_LEVEL = 2
"""About the size that zlib's level 4 gives."""
_STORED = 0
_SAMPLE = 4096
_SAMPLES = 4
_STORED_ABOVE = 0.97
_ZSTD_LEVEL = "-3"
_THREADS = max(2, os.cpu_count() or 2)


class Compressor(Protocol):
    """Takes blocks of exactly `BLOCK` bytes, the last one shorter, and writes to its sink."""

    def block(self, data: bytes) -> None:
        """Take the next block."""
        ...

    def finish(self) -> None:
        """Write all that is left."""
        ...


class Plain:
    """No compression."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        """Write to this function."""
        self._sink = sink

    def block(self, data: bytes) -> None:
        """Take the next block."""
        self._sink(data)

    def finish(self) -> None:
        """Nothing is left."""


class Gzip:
    """Gzip, in parallel, by libdeflate."""

    def __init__(self, sink: Callable[[bytes], object], threads: ThreadPoolExecutor) -> None:
        """Write to this function; compress in these threads."""
        self._sink = sink
        self._threads = threads
        self._running: collections.deque[Future[bytes]] = collections.deque()
        self._empty = True

    def block(self, data: bytes) -> None:
        """Take the next block."""
        self._empty = False
        self._running.append(self._threads.submit(_member, data))
        while len(self._running) > 2 * _THREADS or (self._running and self._running[0].done()):
            self._sink(self._running.popleft().result())

    def finish(self) -> None:
        """Write the blocks that are under way; a stream has at least one member."""
        if self._empty:
            self.block(b"")
        while self._running:
            self._sink(self._running.popleft().result())


class Zstd:
    """Zstandard, by the `zstd` program."""

    def __init__(self, sink: Callable[[bytes], object], spool: BinaryIO) -> None:
        """Write to this function what the program wrote to the spool file.

        Raises:
            EngineError: There is no such program.
        """
        self._sink = sink
        self._spool = spool
        # More than one thread's worth of work is cut in the same places whatever the number.
        self._process = _start_zstd(["-q", "-c", _ZSTD_LEVEL, "-T2"], stdout=spool)

    def block(self, data: bytes) -> None:
        """Take the next block."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.write(data)

    def finish(self) -> None:
        """Wait for the program and pass on what it wrote.

        Raises:
            EngineError: The program failed.
        """
        _, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise EngineError(f"zstd failed: {errors.decode(errors='replace').strip()}")
        self._spool.seek(0)
        while chunk := self._spool.read(BLOCK):
            self._sink(chunk)


def _member(data: bytes) -> bytes:
    level = _LEVEL if _compressible(data) else _STORED
    # Its stubs name a type that Python has from 3.12 on.
    return bytes(deflate.gzip_compress(data, level))  # pyright: ignore[reportUnknownMemberType]


def _compressible(data: bytes) -> bool:
    """Judge by a few samples at fixed places."""
    if len(data) <= _SAMPLE * _SAMPLES:
        return True
    step = (len(data) - _SAMPLE) // (_SAMPLES - 1)
    sample = b"".join(data[n * step : n * step + _SAMPLE] for n in range(_SAMPLES))
    # As above.
    packed = deflate.deflate_compress(sample, 1)  # pyright: ignore[reportUnknownMemberType]
    return len(packed) < len(sample) * _STORED_ABOVE


@contextlib.contextmanager
def compressor(kind: str, sink: Callable[[bytes], object]) -> Generator[Compressor]:
    """Give a compressor of a kind: `gzip`, `zstd` or `uncompressed`.

    Raises:
        EngineError: There is no such kind, or its program is missing.
    """
    if kind == "uncompressed":
        yield Plain(sink)
    elif kind == "gzip":
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="gzip") as threads:
            yield Gzip(sink, threads)
    elif kind == "zstd":
        with tempfile.TemporaryFile() as spool:
            yield Zstd(sink, spool)
    else:
        raise EngineError(
            f"layers can't be compressed as {kind!r}; known are gzip, zstd and uncompressed"
        )


def _start_zstd(arguments: list[str], *, stdout: BinaryIO | int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["zstd", *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise EngineError(
            "layers compressed with zstd need the program `zstd`: install the package zstd, "
            "or use gzip"
        ) from None
