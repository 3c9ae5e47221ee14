"""Copying from the host into a layer: content is digested while it is copied."""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH101, PTH102, PTH115, PTH211

from __future__ import annotations

import contextvars
import os
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from keelway.engine.store.squash import link
from keelway.engine.store.tar import machine_time
from keelway.engine.store.tree import content_digest
from keelway.engine.store.waited import check_waited
from keelway.engine.store.whiteout import make_whiteout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from keelway.engine.store.hostscan import Status

_LARGE = 1 << 18
"""Files of this size are copied in threads; below it threads make it slower."""
_CHUNK = 1 << 20
_THREADS = 2


class Copier:
    """Writes parts of a host folder into one tree, owned by root, without extended attributes."""

    def __init__(self, source: Callable[[bytes], bytes], target: bytes) -> None:
        """Copy to a tree; `source` says where on the host a name of it is."""
        self._source = source
        self._target = target
        self._directories: dict[bytes, int] = {}
        self._digests: dict[bytes, Future[bytes]] = {}
        self._threads: ThreadPoolExecutor | None = None

    def directory(self, name: bytes, status: Status) -> None:
        """Make a directory; its parent is there."""
        if name not in self._directories:
            path = self._target + b"/" + name
            os.mkdir(path, 0o700)
            os.chmod(path, stat.S_IMODE(status[0]))
            self._directories[name] = machine_time(status[2])

    def entry(self, name: bytes, status: Status) -> bytes | None:
        """Copy a file, link or fifo; return its content's digest, unless `finish` will."""
        mode = status[0]
        source, target = self._source(name), self._target + b"/" + name
        if stat.S_ISREG(mode):
            if status[1] < _LARGE:
                return _copy(source, target, status)
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="host")
            # Whether anybody waits for it is asked in the threads as well.
            run = contextvars.copy_context().run
            self._digests[name] = self._threads.submit(run, _copy, source, target, status)
            return None
        content = b""
        if stat.S_ISLNK(mode):
            content = os.readlink(source)
            os.symlink(content, target)
        else:
            os.mkfifo(target)
            os.chmod(target, stat.S_IMODE(mode))
        dated = machine_time(status[2])
        os.utime(target, ns=(dated, dated), follow_symlinks=False)
        return content

    def whiteout(self, name: bytes) -> None:
        """Hide a name of the layers below."""
        make_whiteout(self._target + b"/" + name)

    def link(self, layer: bytes, name: bytes) -> None:
        """Take a file from a layer that has it."""
        link(layer + b"/" + name, self._target + b"/" + name)

    def finish(self) -> dict[bytes, bytes]:
        """Wait for what is being copied; return the digests that `entry` did not."""
        digests = {name: future.result() for name, future in self._digests.items()}
        for name, mtime in self._directories.items():
            os.utime(self._target + b"/" + name, ns=(mtime, mtime))
        return digests

    def __enter__(self) -> Self:
        """Return the copier itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let no thread outlive the copying."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)


def _copy(source: bytes, target: bytes, status: Status) -> bytes:
    """Copy one file; return the digest of what was copied."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(status[0])
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            digest = _copy_content(reading, writing, status[1])
            os.fchmod(writing, mode)  # the mask may have taken bits, and a write the setuid bit
            dated = machine_time(status[2])
            os.utime(writing, ns=(dated, dated))
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return digest


def _copy_content(reading: int, writing: int, size: int) -> bytes:
    chunk = min(size + 1, _CHUNK)
    data = os.read(reading, chunk)
    digest = content_digest(data)
    while data:
        check_waited()
        written = os.write(writing, data)
        while written < len(data):
            written += os.write(writing, data[written:])
        if len(data) < chunk:
            break
        data = os.read(reading, _CHUNK)
        chunk = _CHUNK
        digest.update(data)
    return digest.digest()
