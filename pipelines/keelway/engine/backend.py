"""What answers queries, made in the background while the client is still connecting."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.schema.registry import Resolvers, SessionValues

    Parts = tuple[Resolvers, SessionValues]

# The answer that is being sent goes first: importing keeps other threads waiting.
_HEAD_START_S = 0.003


class Backend:
    """The parts of a session; whoever asks for them waits until they are made."""

    def __init__(self, make: Callable[[], Parts]) -> None:
        """Make the parts by calling `make` once, when they are first asked for."""
        self._make = make
        self._lock = threading.Lock()
        self._parts: Parts | None = None
        self._error: Exception | None = None
        self._begun = False

    def __call__(self) -> Parts:
        """Return the parts, or raise what kept them from being made, each time."""
        with self._lock:
            if self._parts is None and self._error is None:
                try:
                    self._parts = self._make()
                except Exception as error:  # noqa: BLE001 - told to each query that needs them
                    self._error = error
        if self._parts is None:
            raise self._error or RuntimeError("the session has no parts")
        return self._parts

    def prepare(self, also: Callable[[], object]) -> None:
        """Begin to make the parts, and `also` something, in the background.

        What fails is told to the first query.
        """
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._prepare, args=(also,), daemon=True).start()

    def made(self) -> Parts | None:
        """Return the parts if they were made."""
        with self._lock:
            return self._parts

    def _prepare(self, also: Callable[[], object]) -> None:
        time.sleep(_HEAD_START_S)
        also()
        with suppress(Exception):  # kept for those who ask
            self()
