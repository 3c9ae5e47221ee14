"""What went wrong between the first line and the first answer, told to the client.

The client knows the server's address before the engine is in its sandbox. Should that fail, then
in whichever of its processes, the outermost one answers in the engine's place with what was
written to standard error; without an answer the client would try again for ever.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_READY = b"\0"
_MOST_TEXT = 32 * 1024  # a pipe takes it without a reader


class Startup:
    """Overhears standard error, in this process and those forked from it, until one is ready."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Begin to listen; `quiet` keeps what is said from standard error."""
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        self._stderr = sys.stderr
        sys.stderr = _Overheard(None if quiet else self._stderr.write, self._in)

    def ready(self) -> None:
        """Tell that queries are answered from here on."""
        sys.stderr = self._stderr
        os.write(self._in, _READY)

    def failure(self, code: int) -> str | None:
        """Return why nothing got ready, or None when it did; called when all has ended."""
        sys.stderr = self._stderr
        os.close(self._in)
        with os.fdopen(self._out, "rb") as heard:
            text = heard.read()
        if text.endswith(_READY):
            return None
        said = text.decode(errors="replace").strip().removeprefix("keelway-engine: ")
        return said or f"the engine ended with code {code} before it was ready"


class _Overheard(io.TextIOBase):
    def __init__(self, write: Callable[[str], object] | None, copy: int) -> None:
        self._write = write
        self._copy = copy

    def write(self, text: str, /) -> int:
        """Write to standard error, and keep a copy while there is room for one."""
        if self._write is not None:
            self._write(text)
        with suppress(OSError):
            os.write(self._copy, text.encode()[:_MOST_TEXT])
        return len(text)
