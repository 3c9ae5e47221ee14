"""Moves the standard streams of a child until it has ended and all its output has been read."""

from __future__ import annotations

import os
import selectors
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Sink: TypeAlias = Callable[[bytes], None]

_PIECE: Final = 1 << 16


def move(
    child: subprocess.Popen[bytes],
    stdin: bytes,
    *,
    on_stdout: Sink,
    on_stderr: Sink,
    on_end: Callable[[], None],
) -> None:
    """Feed stdin, hand out output as it comes; `on_end` is called once, when the child has ended.

    Output is read to its end after that: `on_end` must see to it that nobody keeps the pipes.
    """
    ended = os.pidfd_open(child.pid)
    try:
        with selectors.DefaultSelector() as selector:
            _register(selector, child.stdout, on_stdout)
            _register(selector, child.stderr, on_stderr)
            selector.register(ended, selectors.EVENT_READ, on_end)
            if child.stdin is not None:
                os.set_blocking(child.stdin.fileno(), False)
                selector.register(child.stdin, selectors.EVENT_WRITE, _Feed(stdin))
            while selector.get_map():
                for key, _ in selector.select():
                    _serve(selector, key, ended)
    finally:
        os.close(ended)


class _Feed:
    """What of the standard input has not been taken yet."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def push(self, descriptor: int) -> bool:
        """Write what the pipe takes; tell whether that was all, or nobody reads any more."""
        try:
            self._left = self._left[os.write(descriptor, self._left[:_PIECE]) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            return True
        return not self._left


def _register(selector: selectors.BaseSelector, pipe: object, sink: Sink) -> None:
    if pipe is not None:
        selector.register(pipe, selectors.EVENT_READ, sink)  # type: ignore[arg-type]  # a file


def _serve(selector: selectors.BaseSelector, key: selectors.SelectorKey, ended: int) -> None:
    if key.fd == ended:
        selector.unregister(key.fileobj)
        key.data()
    elif isinstance(key.data, _Feed):
        if key.data.push(key.fd):
            _close(selector, key)
    elif data := os.read(key.fd, _PIECE):
        key.data(data)
    else:
        _close(selector, key)


def _close(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    selector.unregister(key.fileobj)
    key.fileobj.close()  # type: ignore[union-attr]  # only files are registered here
