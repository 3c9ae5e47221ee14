"""Decompression of layers: blocks of plain bytes, made in a thread ahead of their reader."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import zlib
from typing import TYPE_CHECKING, BinaryIO

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

_CHUNK = 1 << 18
_AHEAD = 16


def plain_blocks(file: BinaryIO, kind: str, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    """Return an iterator over the decompressed bytes of a file.

    `seen` is called with all compressed bytes, in order. The compression is found by the first
    bytes, since media types are wrong at times; `kind` is what the media type says.

    Raises:
        EngineError: The data is damaged, or the program to decompress it is missing.
    """
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return _gzip(file, seen)
    if magic == b"\x28\xb5\x2f\xfd":
        return _zstd(file, seen)
    if kind != "uncompressed" and magic:
        raise EngineError(
            f"the data is not {kind}, as its media type says: it starts with {magic!r}"
        )
    return _plain(file, seen)


def _plain(file: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        seen(chunk)
        yield chunk


def _gzip(file: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    stream = zlib.decompressobj(31)
    try:
        for chunk in _plain(file, seen):
            data = chunk
            while data:
                if stream.eof:
                    if not data.strip(b"\0"):
                        break
                    stream = zlib.decompressobj(31)
                yield stream.decompress(data)
                data = stream.unused_data
    except zlib.error as error:
        raise EngineError(f"the gzip data is damaged: {error}") from error
    if not stream.eof:
        raise EngineError("the gzip data is damaged: it ends too early")


def _zstd(file: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    try:
        process = subprocess.Popen(
            ["zstd", "-q", "-d", "-c"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise EngineError(
            "a layer is compressed with zstd: install the package zstd to unpack it"
        ) from None
    feeder = threading.Thread(target=_feed, args=(file, process, seen), daemon=True)
    feeder.start()
    with process:
        output = process.stdout
        while output is not None and (chunk := output.read(_CHUNK)):
            yield chunk
        feeder.join()
        errors = process.stderr.read() if process.stderr is not None else b""
    if process.returncode != 0:
        text = errors.decode(errors="replace").strip()
        raise EngineError(f"the zstd data is damaged: {text}")


def _feed(
    file: BinaryIO, process: subprocess.Popen[bytes], seen: Callable[[bytes], object]
) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(BrokenPipeError), stdin:
        for chunk in _plain(file, seen):
            stdin.write(chunk)


@contextlib.contextmanager
def ahead(blocks: Iterator[bytes]) -> Generator[Iterator[bytes]]:
    """Give an iterator whose blocks are made in a thread, a few before they are asked for."""
    ready: queue.Queue[bytes | BaseException | None] = queue.Queue(_AHEAD)
    stop = threading.Event()
    thread = threading.Thread(
        target=_produce, args=(blocks, ready, stop), name="decompress", daemon=True
    )
    thread.start()
    try:
        yield _taken(ready)
    finally:
        stop.set()
        thread.join()


def _taken(ready: queue.Queue[bytes | BaseException | None]) -> Iterator[bytes]:
    while (item := ready.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


def _produce(
    blocks: Iterator[bytes],
    ready: queue.Queue[bytes | BaseException | None],
    stop: threading.Event,
) -> None:
    def put(item: bytes | BaseException | None) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    try:
        for block in blocks:
            put(block)
            if stop.is_set():
                return
        put(None)
    except BaseException as error:  # noqa: BLE001 - raised again by whoever reads
        put(error)
