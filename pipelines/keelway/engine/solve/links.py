"""Large files that copies share with the layers they come from, by hard links.

A file of a layer never changes, so a copy with the same owner and mode need not have contents of
its own. A link can't be made through a mounted view, and nothing may be made in its upper
directory meanwhile: so a mark takes the file's place, and becomes the link once the view is gone.
"""

from __future__ import annotations

import itertools
import os
import stat
from typing import TYPE_CHECKING

from keelway.engine.store.squash import link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LARGE = 1 << 17
"""Smaller files are copied as quickly as a mark is made and replaced."""
_numbers = itertools.count(1)


class Links:
    """Files of one mounted view that become files of the upper directory of another."""

    def __init__(self, layers: Sequence[Path], source: Path, target: Path) -> None:
        """Take from these layers, bottom first, which are mounted at `source`.

        `target` is where the tree that is written is mounted.
        """
        self._layers = layers
        self._source = source
        self._target = target
        self._marks: list[tuple[Path, str, int]] = []

    def put(self, source: Path, state: os.stat_result, target: Path) -> bool:
        """Have a file that is not there yet become a link to one of the source's; say if it will.

        Raises:
            OSError: The target can't be written.
        """
        if state.st_size < LARGE or not source.is_relative_to(self._source):
            return False
        found = self._in_layers(str(source.relative_to(self._source)), state)
        folder = os.path.realpath(target.parent)  # it may be given as a descriptor
        if found is None or os.path.commonpath([folder, self._target]) != str(self._target):
            return False
        number = next(_numbers)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # A time that nothing else has tells a mark from what may be put over it later.
            os.utime(descriptor, ns=(0, number))
        finally:
            os.close(descriptor)
        inside = os.path.relpath(os.path.join(folder, target.name), self._target)  # noqa: PTH118 - names of a container: pathlib would take `..` away
        self._marks.append((found, inside, number))
        return True

    def finish(self, upper: Path) -> None:
        """Replace the marks in the upper directory, which is no longer mounted."""
        for source, inside, number in self._marks:
            mark = upper / inside
            try:
                state = mark.lstat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            if stat.S_ISREG(state.st_mode) and (state.st_size, state.st_mtime_ns) == (0, number):
                mark.unlink()
                link(os.fsencode(source), os.fsencode(mark))

    def _in_layers(self, inside: str, state: os.stat_result) -> Path | None:
        """Return the file of the topmost layer that has it: that is the one which is seen."""
        for layer in reversed(self._layers):
            path = layer / inside
            try:
                found = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            same = (found.st_mode, found.st_size, found.st_mtime_ns) == (
                state.st_mode,
                state.st_size,
                state.st_mtime_ns,
            )
            return path if same else None
        return None
