"""Files that are watched, by looking at them again and again.

Looking (`stat`) needs no further package and sees what was changed from anywhere: inotify is silent
about other machines' writes to a network file system and those of a host in a virtual machine's
shared folder, and has a limit that large trees reach. A look at 10,000 files takes about 0.1 s, and
pauses grow with it, so that it never takes more than a small part of one processor.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keelway.develop.rules import Rule

PAUSE_S = 0.3
"""Between two looks, at least; a change is acted on when the next look sees no other."""
_SHARE = 10
"""A pause is so many times as long as a look."""
_LONGEST_S = 5.0
"""Changes that never pause are acted on after this time."""

_UNSENDABLE = "\n"


class Stamp(NamedTuple):
    """What tells two versions of a file apart."""

    changed_ns: int
    size: int
    number: int
    mode: int


Seen = dict[Path, Stamp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Files that have changed between two looks."""

    paths: Mapping[Rule, tuple[Path, ...]] = field(default_factory=dict["Rule", tuple[Path, ...]])
    gone: frozenset[Path] = frozenset()

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return any(self.paths.values())


def look(rule: Rule) -> Seen:
    """Return the files that a rule takes, as they are now."""
    found: Seen = {}
    for path in _files(rule, rule.watch.path):
        stamp = _stamp(path)
        if stamp is not None:
            found[path] = stamp
    return found


def differences(before: Mapping[Rule, Seen], after: Mapping[Rule, Seen]) -> Changes:
    """Return what has changed between two looks by the same rules."""
    paths: dict[Rule, tuple[Path, ...]] = {}
    gone: set[Path] = set()
    for rule, now in after.items():
        old = before[rule]
        left = old.keys() - now.keys()
        changed = {path for path, stamp in now.items() if old.get(path) != stamp}
        paths[rule] = tuple(sorted(changed | left))
        gone |= left
    return Changes(paths=paths, gone=frozenset(gone))


class Watcher:
    """The files of some rules, and what becomes of them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Take these rules; the first look is `begin`."""
        self._rules = tuple(rules)
        self._seen: dict[Rule, Seen] = {}
        self._pause_s = PAUSE_S

    async def begin(self) -> Mapping[Rule, Seen]:
        """Look for the first time, and return what is there."""
        self._seen = await self._look()
        return self._seen

    async def next(self) -> Changes:
        """Return the next changes, once no more of them come."""
        settled, began = self._seen, 0.0
        while True:
            await anyio.sleep(self._pause_s)
            now = await self._look()
            is_still = not differences(settled, now)
            settled = now
            changes = differences(self._seen, now)
            began = (began or time.monotonic()) if changes else 0.0
            if changes and (is_still or time.monotonic() - began > _LONGEST_S):
                self._seen = now
                return changes

    async def _look(self) -> dict[Rule, Seen]:
        began = time.monotonic()
        found = await anyio.to_thread.run_sync(self._look_now)
        self._pause_s = max(PAUSE_S, _SHARE * (time.monotonic() - began))
        return found

    def _look_now(self) -> dict[Rule, Seen]:
        return {rule: look(rule) for rule in self._rules}


def _files(rule: Rule, top: Path) -> Iterator[Path]:
    """Yield the files below a path, or the one that it is; links are files, and not followed."""
    try:
        is_folder = stat.S_ISDIR(os.stat(top).st_mode)  # noqa: PTH116 - a link to a folder is one
    except OSError:
        return
    if not is_folder:
        yield from _taken(rule, [top])
        return
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(
            name for name in folders if name not in links and not rule.skips(here / name)
        )
        yield from _taken(rule, (here / name for name in (*files, *links)))


def _taken(rule: Rule, paths: Iterable[Path]) -> Iterator[Path]:
    # A name with a line break cannot be told to a container, one name a line.
    return (path for path in paths if _UNSENDABLE not in str(path) and rule.takes(path))


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
