"""What the sources of a `COPY` name: Go's `filepath.Match` in each component of a path.

`*` and `?` stay inside a component, `[a-z]` and `[^a-z]` are sets, a backslash takes the next
character as it is. With `--parents`, `**` spans any number of components.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from keelway.dockerfile import character_sets
from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.engine.run.inroot import Root

_WILD = frozenset("*?[\\")


def is_pattern(source: str) -> bool:
    """Say whether a source has anything that is not taken as it stands."""
    return any(char in _WILD for char in source)


def expand(tree: Root, source: str, *, deep: bool) -> Iterator[str]:
    """Yield the paths below a tree's root that a pattern names, in lexical order, each once.

    Args:
        tree: what is looked into.
        source: the pattern, relative to the root.
        deep: `**` spans folders, as `--parents` has it.

    Raises:
        EngineError: The pattern is malformed.
    """
    parts = [part for part in source.split("/") if part not in {"", "."}]
    seen: set[str] = set()
    for path in _below(tree, "", parts, deep=deep):
        if path not in seen:
            seen.add(path)
            yield path


def _below(tree: Root, folder: str, parts: list[str], *, deep: bool) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if deep and part == "**":
        yield from _spanned(tree, folder, rest)
        return
    for name in _names(tree, folder):
        if name == part or component(part).fullmatch(name):
            path = posixpath.join(folder, name)
            if not rest:
                yield path
            elif tree.is_dir(path):
                yield from _below(tree, path, rest, deep=deep)


def _spanned(tree: Root, folder: str, rest: list[str]) -> Iterator[str]:
    """Yield what the rest of a pattern names in a folder and in all folders below it."""
    if rest:
        yield from _below(tree, folder, rest, deep=True)
    for name in _names(tree, folder):
        path = posixpath.join(folder, name)
        if not rest:
            yield path
        elif _is_real_dir(tree, path):
            yield from _spanned(tree, path, rest)


def _names(tree: Root, folder: str) -> list[str]:
    try:
        return tree.names(folder or "/")
    except OSError:
        return []


def _is_real_dir(tree: Root, path: str) -> bool:
    """Say whether a path is a folder and no link to one, which could lead around in circles."""
    return tree.is_dir(path) and str(tree.resolve(path)).strip("/") == path.strip("/")


@lru_cache(maxsize=256)
def component(pattern: str) -> re.Pattern[str]:
    """Return the expression for one component of a pattern.

    Raises:
        EngineError: The pattern is malformed.
    """
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "[":
            try:
                piece, at = character_sets.expression_of(pattern, at)
            except ValueError as error:
                raise EngineError(f"syntax error in pattern {pattern!r}: {error}") from error
        elif char == "\\":
            if at + 1 == len(pattern):
                raise EngineError(f"syntax error in pattern {pattern!r}: it ends in a backslash")
            piece, at = re.escape(pattern[at + 1]), at + 2
        else:
            piece, at = {"*": ".*", "?": "."}.get(char) or re.escape(char), at + 1
        found.append(piece)
    return re.compile("".join(found), re.DOTALL)
