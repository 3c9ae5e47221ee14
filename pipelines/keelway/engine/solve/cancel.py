"""A call to stop, for work that nobody waits for any more."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Cancel:
    """Says whether to stop, and calls whoever has to be stopped; threads may share it."""

    def __init__(self) -> None:
        """Start with nothing cancelled."""
        self._lock = threading.Lock()
        self._set = False
        self._hooks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Tell whether the work is to stop."""
        return self._set

    def set(self) -> None:
        """Have the work stop."""
        with self._lock:
            self._set = True
            hooks = list(self._hooks)
        for hook in hooks:
            hook()

    @contextlib.contextmanager
    def calling(self, hook: Callable[[], None]) -> Generator[None]:
        """Have `hook` called when the work is cancelled within the block, or was before."""
        with self._lock:
            self._hooks.append(hook)
            late = self._set
        if late:
            hook()
        try:
            yield
        finally:
            with self._lock:
                self._hooks.remove(hook)
