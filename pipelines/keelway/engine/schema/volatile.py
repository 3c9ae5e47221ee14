"""Volatile variables: what commands see of them is the newest value in the session."""

from __future__ import annotations

import threading


class VolatileVariables:
    """The values of a session; threads may share it."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}
        self._asked: set[object] = set()

    def set(self, name: str, value: str, *, asked: object) -> None:
        """Make this the value that every later command sees.

        What was `asked` before counts once: a client sends its whole chain again with each query.
        """
        with self._lock:
            if asked not in self._asked:
                self._asked.add(asked)
                self._values[name] = value

    def newest(self, name: str) -> str | None:
        """Return the value that a variable was given last."""
        return self._values.get(name)
