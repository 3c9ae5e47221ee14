"""Searching in files as ripgrep does: line by line, or across lines, with every match told.

Patterns are Python's `re` with what Rust's syntax writes otherwise translated; binary files and
links are passed over, paths come in lexical order.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pathspec import GitIgnoreSpec

_IGNORES = (".gitignore", ".ignore", ".rgignore")
"""Later ones win."""
_PROBE = 1 << 16
_OTHER_BYTES = "surrogateescape"
"""What becomes of bytes that are no UTF-8: each stays one that can be counted."""
_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "0-9A-Za-z",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\t\n\v\f\r ",
    "blank": r"\t ",
    "word": r"0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~",
}
_RUST = re.compile(r"\\(?:\\|z|x\{([0-9A-Fa-f]+)\}|([pP])(?:\{[^}]*\}|\w))|\[:(\w+):\]")


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
        text = re.escape(self.pattern) if self.literal else _translated(self.pattern)
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
    found: list[SearchResult] = []
    for path in _files(top, paths, what):
        for result in search_file(top / path, path, expression, what):
            if what.limit is not None and len(found) >= what.limit:
                return found
            found.append(result)
    return found


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


def _translated(pattern: str) -> str:
    """Return a pattern of Rust's as Python writes it.

    Raises:
        EngineError: Python has nothing for a part of it.
    """

    def one(found: re.Match[str]) -> str:
        if found[2]:
            raise EngineError(f"regex {pattern!r}: {found[0]} is not known here; name characters")
        if found[1]:
            return re.escape(chr(int(found[1], 16)))
        if found[3]:
            return _POSIX.get(found[3], found[0])
        return r"\Z" if found[0] == r"\z" else found[0]

    return _RUST.sub(one, pattern)


# --- which files -----------------------------------------------------------------------------


def _files(top: Path, paths: Sequence[str], what: Search) -> Iterator[str]:
    """Yield relative paths of the files to look into."""
    globs = _Globs(what.globs)
    for path in paths or ["."]:
        clean = posixpath.normpath(path.lstrip("/") or ".")
        if clean == ".." or clean.startswith("../"):
            raise EngineError(f"path cannot escape directory: {path}")
        where = top if clean == "." else top / clean
        if not where.resolve().is_relative_to(top.resolve()):
            raise EngineError(f"path cannot escape directory: {path}")
        if where.is_dir():
            yield from _walk(top, "" if clean == "." else clean, (), globs, what)
        elif where.is_file():
            yield clean
        else:
            raise EngineError(f"{path}: no such file or directory")


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
