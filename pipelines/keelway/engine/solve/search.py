"""Searching in files as ripgrep does: line by line, or across lines, with every match told.

Patterns are Python's `re` with what Rust's syntax writes otherwise translated; binary files and
links are passed over, paths come in lexical order.
"""

from __future__ import annotations

import itertools
import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.solve.rust_patterns import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pathspec import GitIgnoreSpec

_IGNORES = (".gitignore", ".ignore", ".rgignore")
"""Later ones win."""
_PROBE = 1 << 16
_OTHER_BYTES = "surrogateescape"
"""What becomes of bytes that are no UTF-8: each stays one that can be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSubmatch:
    """One match; `start` and `end` are bytes from the start of the lines."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Lines with at least one match; only the path when files alone were asked for."""

    file_path: str
    line_number: int = 0
    """Of the first line, counted from 1."""
    absolute_offset: int = 0
    """Bytes before the first line."""
    matched_lines: str = ""
    submatches: tuple[SearchSubmatch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, and where."""

    pattern: str
    globs: tuple[str, ...] = ()
    literal: bool = False
    multiline: bool = False
    dotall: bool = False
    insensitive: bool = False
    skip_ignored: bool = False
    skip_hidden: bool = False
    files_only: bool = False
    limit: int | None = None

    def expression(self) -> re.Pattern[str]:
        """Return the pattern compiled.

        Raises:
            EngineError: It is malformed, or asks for line ends that it can't see.
        """
        text = re.escape(self.pattern) if self.literal else translated(self.pattern)
        if not self.multiline and ("\n" in self.pattern or re.search(r"(?<!\\)\\n", text)):
            raise EngineError('the literal "\\n" is not allowed in a regex: search with multiline')
        flags = re.MULTILINE if self.multiline else 0
        flags |= re.DOTALL if self.dotall else 0
        flags |= re.IGNORECASE if self.insensitive else 0
        try:
            return re.compile(text, flags)
        except re.error as error:
            raise EngineError(f"regex parse error: {self.pattern!r}: {error}") from error


def search(top: Path, paths: Sequence[str], what: Search) -> list[SearchResult]:
    """Return what is found below a folder, in these paths of it or in all.

    Raises:
        EngineError: A path is not there or leads out, or the pattern is malformed.
    """
    expression = what.expression()
    results = (
        result
        for path, shown in _files(top, paths, what)
        for result in search_file(top / path, shown, expression, what)
    )
    return limited(results, what)


def limited(results: Iterable[SearchResult], what: Search) -> list[SearchResult]:
    """Return as many results as were asked for.

    As in Dagger, names of files have no limit, and a limit below one leaves one result.
    """
    if what.limit is None or what.files_only:
        return list(results)
    return list(itertools.islice(results, max(what.limit, 1)))


def search_file(
    file: Path, shown: str, expression: re.Pattern[str], what: Search
) -> Iterator[SearchResult]:
    """Yield what is found in one file; nothing in one that is no text."""
    data = file.read_bytes()
    if b"\0" in data[:_PROBE]:
        return
    text = data.decode("utf-8", _OTHER_BYTES)
    results = (
        _across(text, shown, expression) if what.multiline else _lines(text, shown, expression)
    )
    if not what.files_only:
        yield from (found for found in results if _is_text(found.matched_lines))
    elif next(results, None) is not None:
        yield SearchResult(file_path=shown)


def _is_text(lines: str) -> bool:
    """Say whether lines are UTF-8, as an answer must be; others are passed over."""
    try:
        lines.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bytes(text: str) -> int:
    """Return how many bytes of the file a text is."""
    return len(text.encode("utf-8", _OTHER_BYTES))


def _lines(text: str, shown: str, expression: re.Pattern[str]) -> Iterator[SearchResult]:
    offset = 0
    for number, line in enumerate(_split(text), 1):
        matches = tuple(expression.finditer(line.removesuffix("\n").removesuffix("\r")))
        if matches:
            yield _result(shown, number, offset, line, matches, 0)
        offset += _bytes(line)


def _split(text: str) -> list[str]:
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _across(text: str, shown: str, expression: re.Pattern[str]) -> Iterator[SearchResult]:
    """Yield runs of lines: matches that share lines, or touch, are told together."""
    start = end = -1
    run: list[re.Match[str]] = []
    for match in expression.finditer(text):
        first = text.rfind("\n", 0, match.start()) + 1
        last = text.find("\n", max(match.start(), match.end() - 1)) + 1 or len(text)
        if run and first > end:
            yield _run(text, shown, start, end, run)
            run = []
        start = start if run else first
        end = max(end, last) if run else last
        run.append(match)
    if run and text:
        yield _run(text, shown, start, end, run)


def _run(text: str, shown: str, start: int, end: int, run: Sequence[re.Match[str]]) -> SearchResult:
    before = text[:start]
    number = before.count("\n") + 1
    return _result(shown, number, _bytes(before), text[start:end], run, start)


def _result(
    shown: str, number: int, offset: int, lines: str, matches: Sequence[re.Match[str]], base: int
) -> SearchResult:
    def at(position: int) -> int:
        return _bytes(lines[: position - base])

    return SearchResult(
        file_path=shown,
        line_number=number,
        absolute_offset=offset,
        matched_lines=lines,
        submatches=tuple(
            SearchSubmatch(text=match[0], start=at(match.start()), end=at(match.end()))
            for match in matches
        ),
    )


# --- which files -----------------------------------------------------------------------------


def _files(top: Path, paths: Sequence[str], what: Search) -> Iterator[tuple[str, str]]:
    """Yield the files to look into: relative paths, and how they are shown."""
    globs = _Globs(what.globs)
    if not paths:
        yield from ((path, path) for path in _walk(top, "", (), globs, what))
    for path in paths:
        below = _inside(top, path)
        if (top / below).is_dir():
            # A search in the directory itself, when that is said, shows that.
            start = "" if below else "./"
            yield from ((found, start + found) for found in _walk(top, below, (), globs, what))
        elif (top / below).is_file():
            yield below, below
        else:
            raise EngineError(f"ripgrep error: rg: {below}: No such file or directory (os error 2)")


def _inside(top: Path, path: str) -> str:
    """Return where a path really lies, relative to the top, which no link leads out of."""
    clean = posixpath.normpath(path.lstrip("/") or ".")
    if clean == ".." or clean.startswith("../"):
        raise EngineError(f"path cannot escape directory: {path}")
    with Root(top) as root:
        try:
            return str(root.resolve(f"/{clean}")).strip("/")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineError(f"{path}: {reason}") from error


_Rules = tuple[tuple[str, "GitIgnoreSpec"], ...]


def _walk(top: Path, below: str, rules: _Rules, globs: _Globs, what: Search) -> Iterator[str]:
    if what.skip_ignored:
        rules = (*rules, *_rules(top, below))
    with os.scandir(top / below) as listed:
        entries = sorted(listed, key=lambda entry: entry.name)
    for entry in entries:
        path = posixpath.join(below, entry.name)
        folder = entry.is_dir(follow_symlinks=False)
        if what.skip_hidden and entry.name.startswith("."):
            continue
        if _ignored(path, rules, folder=folder) or not globs.take(path, folder=folder):
            continue
        if folder:
            yield from _walk(top, path, rules, globs, what)
        elif entry.is_file(follow_symlinks=False):
            yield path


def _rules(top: Path, below: str) -> _Rules:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - few searches need it

    found: list[tuple[str, GitIgnoreSpec]] = []
    for name in _IGNORES:
        file = top / below / name
        if file.is_file() and not file.is_symlink():
            text = file.read_text(encoding="utf-8", errors="replace")
            found.append((below, GitIgnoreSpec.from_lines(text.splitlines())))
    return tuple(found)


def _ignored(path: str, rules: _Rules, *, folder: bool) -> bool:
    full = f"{path}/" if folder else path
    for place, spec in reversed(rules):
        verdict = spec.check_file(full[len(place) + 1 :] if place else full).include
        if verdict is not None:
            return verdict
    return False


class _Globs:
    """Globs as `rg --glob` takes them: the last that matches decides, `!` leaves out."""

    def __init__(self, globs: Sequence[str]) -> None:
        self._some = any(not glob.startswith("!") for glob in globs)
        self._spec: GitIgnoreSpec | None = None
        if globs:
            from pathspec import GitIgnoreSpec  # noqa: PLC0415 - few searches need it

            self._spec = GitIgnoreSpec.from_lines(globs)

    def take(self, path: str, *, folder: bool) -> bool:
        if self._spec is None:
            return True
        verdict = self._spec.check_file(f"{path}/" if folder else path).include
        if verdict is not None:
            # A negated rule of an ignore file says that a path stays: here it is the reverse.
            return verdict
        return folder or not self._some
