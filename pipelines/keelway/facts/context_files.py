"""The part of a build context that a Dockerfile reads, held against lists of paths.

Paths are relative to the top of the working tree. A pattern of `COPY` may lead over symbolic links
inside of the context: they are followed, as the build follows them, and count themselves.
"""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.ignore import IgnoreFile, IgnorePattern
from keelway.dockerfile.reads import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_WILD = frozenset("*?[\\")
_MOST_STEPS = 10_000
"""Folders that the wildcards of one pattern are followed into; beyond, it is the whole context."""


def joined(folder: str, path: str) -> str:
    """Return a path below a folder; `.` is the folder itself, or the top."""
    return posixpath.normpath(f"{folder}/{path}")


def parents(path: str) -> Iterator[str]:
    """Yield the folders above a path, nearest first; not the top."""
    while (at := path.rfind("/")) >= 0:
        path = path[:at]
        yield path


def below(paths: Sequence[str], folder: str) -> Sequence[str]:
    """Return those of the sorted paths that are a folder or in it; all for the top."""
    if folder == ".":
        return paths
    # Between "a" and what is in "a" others may stand, as "a-b": each is looked for by itself.
    start, end = bisect_left(paths, f"{folder}/"), bisect_left(paths, f"{folder}0")
    at = bisect_left(paths, folder)
    itself = paths[at : at + 1] if paths[at : at + 1] == (folder,) else ()
    return (*itself, *paths[start:end])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One pattern."""

    folder: str
    """Where everything is that it may match, relative to the top: itself, where it is a name."""
    pattern: IgnorePattern | None
    """What matches, relative to the context; nothing where all of the folder does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFiles:
    """What a build reads of its context."""

    context: str
    """Relative to the top."""
    ignored: IgnoreFile
    sources: tuple[_Source, ...]
    links: frozenset[str]
    """Symbolic links that its patterns lead over."""

    def has(self, path: str, *, is_tree: bool = False) -> bool:
        """Return whether a path is read.

        Args:
            path: Relative to the top.
            is_tree: It stands for everything below it.
        """
        return path in self.links or any(
            self._matches(source, path, is_tree=is_tree)
            for source in self.sources
            if path == source.folder or _is_in(path, source.folder)
        )

    def among(self, paths: Sequence[str], trees: frozenset[str]) -> Iterator[str]:
        """Yield those of the sorted paths that are read, some perhaps twice.

        Args:
            paths: Relative to the top.
            trees: Those of them that stand for everything below.
        """
        yield from (link for link in self.links if _contains(paths, link))
        for source in self.sources:
            yield from (above for above in parents(source.folder) if _contains(paths, above))
            for path in below(paths, source.folder):
                if self._matches(source, path, is_tree=path in trees):
                    yield path

    def places(self) -> Iterator[str]:
        """Yield the folders and files that everything is in that may be read."""
        yield from (source.folder for source in self.sources)

    def leaves_out(self, path: str) -> bool:
        """Return whether the ignore file leaves out a folder with everything in it."""
        inside = self._inside(path)
        takes_back = any(pattern.negative for pattern in self.ignored.patterns)
        return inside is not None and not takes_back and self.ignored.matches(inside)

    def _matches(self, source: _Source, path: str, *, is_tree: bool) -> bool:
        inside = self._inside(path)
        if inside is None:
            return is_tree
        if is_tree:
            return not self.leaves_out(path)
        if self.ignored.matches(inside):
            return False
        return source.pattern is None or source.pattern.matches(inside)

    def _inside(self, path: str) -> str | None:
        if self.context == ".":
            return path
        return path[len(self.context) + 1 :] if _is_in(path, self.context) else None


def read_files(
    top: Path, context: str, ignored: IgnoreFile, patterns: Iterable[str]
) -> ContextFiles:
    """Return what patterns mean in a context.

    Args:
        top: The top of the working tree, absolute.
        context: Relative to it.
        ignored: What the context's ignore file leaves out.
        patterns: What a Dockerfile copies, relative to the context.
    """
    links: set[str] = set()
    found: dict[_Source, None] = {}
    root = os.path.join(top, context)  # noqa: PTH118 - a thousand images have ten thousand
    for pattern in patterns:
        for source in _followed(root, pattern, ignored, links):
            folder, wild = _split(source)
            found[
                _Source(folder=joined(context, folder), pattern=_pattern(source) if wild else None)
            ] = None
    return ContextFiles(
        context=context,
        ignored=ignored,
        sources=tuple(found),
        links=frozenset(joined(context, link) for link in links),
    )


def _is_in(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _contains(paths: Sequence[str], path: str) -> bool:
    at = bisect_left(paths, path)
    return at < len(paths) and paths[at] == path


def _split(pattern: str) -> tuple[str, bool]:
    """Return the components before the first wildcard, and whether there is one."""
    parts = pattern.split("/")
    plain = next((at for at, part in enumerate(parts) if _WILD & set(part)), len(parts))
    return "/".join(parts[:plain]) or WHOLE, plain < len(parts)


def _pattern(text: str) -> IgnorePattern | None:
    try:
        return IgnorePattern.of(text)
    except SyntaxProblem:
        return None  # the build will say so; here everything counts


def _followed(root: str, pattern: str, ignored: IgnoreFile, links: set[str]) -> list[str]:
    """Return the pattern, and each with a link in it replaced by where that leads."""
    found = [pattern]
    waiting: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), tuple(pattern.split("/")))]
    for _ in range(_MOST_STEPS):
        if not waiting:
            return found
        done, rest = waiting.pop()
        if not rest:
            continue
        if rest[0] == "**":
            return [WHOLE]  # at any depth: then a link may be anywhere
        for name in _named(root, done, rest[0]):
            path = "/".join((*done, name))
            led = None if ignored.matches(path) else _led(root, (*done, name))
            if led is None:
                waiting.append(((*done, name), rest[1:]))
                continue
            links.add(path)
            target = "/".join((*led, *rest[1:])) or WHOLE
            if target not in found:  # else links lead in a circle
                found.append(target)
                waiting.append(((), tuple(target.split("/"))))
    return found if not waiting else [WHOLE]


def _named(root: str, folder: tuple[str, ...], part: str) -> list[str]:
    """Return the entries of a folder that one component of a pattern means."""
    if not _WILD & set(part):
        return [part]
    pattern = _pattern(part)
    try:
        with os.scandir("/".join((root, *folder))) as entries:
            return [
                entry.name
                for entry in entries
                if (pattern is None or pattern.matches(entry.name))
                and (entry.is_symlink() or entry.is_dir())
            ]
    except OSError:
        return []


def _led(root: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return where a link leads inside of the context; nothing for what is no link."""
    try:
        target = os.readlink("/".join((root, *path)))  # noqa: PTH115 - quicker
    except OSError:
        return None
    whole = target if target.startswith("/") else "/".join(("", *path[:-1], target))
    return tuple(part for part in posixpath.normpath(whole).split("/") if part)
