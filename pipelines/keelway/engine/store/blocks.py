"""Streams cut into blocks of one size, and functions that take blocks in a thread of their own."""

from __future__ import annotations

import collections
import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from keelway.engine.store.compress import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_WAITING = 8


class Blocks:
    """Cuts a stream into blocks of one size."""

    def __init__(self, *sinks: Callable[[bytes], object]) -> None:
        """Give each block to these functions."""
        self._sinks = sinks
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take bytes."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= BLOCK:
            joined = b"".join(self._pieces)
            whole = self._size - self._size % BLOCK
            for at in range(0, whole, BLOCK):
                self._give(joined[at : at + BLOCK])
            self._pieces = [joined[whole:]]
            self._size -= whole

    def finish(self) -> None:
        """Give the last block, which may be short."""
        if self._size:
            self._give(b"".join(self._pieces))

    def _give(self, block: bytes) -> None:
        for sink in self._sinks:
            sink(block)


@contextlib.contextmanager
def beside(function: Callable[[bytes], object]) -> Generator[Callable[[bytes], None]]:
    """Give a function that has another thread call this one, in order; all is done at the end."""
    waiting: collections.deque[Future[object]] = collections.deque()
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as thread:

        def call(block: bytes) -> None:
            waiting.append(thread.submit(function, block))
            if len(waiting) > _WAITING:
                waiting.popleft().result()

        yield call
        for future in waiting:
            future.result()
