"""Where paths of the working tree really are, and over which symbolic links the way goes.

A thousand images share most of their folders: each is looked at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

_MOST_LINKS = 40
"""As the kernel has it: then links lead in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a path leads."""

    path: str
    """Absolute, with no symbolic link in it."""
    links: tuple[str, ...] = ()
    """The symbolic links on the way, each where it really is."""


@dataclass(slots=True)
class Places:
    """The places of many paths."""

    _known: dict[str, Place] = field(default_factory=dict[str, Place])

    def find(self, path: str) -> Place:
        """Return where an absolute path leads; what is not there leads where it stands."""
        return self._find(path, 0)

    def _find(self, path: str, depth: int) -> Place:
        known = self._known.get(path)
        if known is None:
            known = self._looked_up(path, depth)
            self._known[path] = known
        return known

    def _looked_up(self, path: str, depth: int) -> Place:
        folder, _, name = path.rstrip("/").rpartition("/")
        if not name:
            return Place(path="/")
        above = self._find(folder, depth)
        if name in {".", ".."}:
            up = above.path.rpartition("/")[0] or "/"
            return Place(path=up if name == ".." else above.path, links=above.links)
        here = f"{above.path.rstrip('/')}/{name}"
        try:
            target = os.readlink(here) if depth < _MOST_LINKS else None  # noqa: PTH115 - quicker
        except OSError:
            target = None
        if target is None:
            return Place(path=here, links=above.links)
        whole = target if target.startswith("/") else f"{above.path.rstrip('/')}/{target}"
        led = self._find(whole, depth + 1)
        return Place(path=led.path, links=(*above.links, here, *led.links))
