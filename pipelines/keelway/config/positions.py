r"""On which line each key of a TOML document stands.

The standard library's parser keeps no positions. This walks a document that it has accepted
already, so it only needs to find where things begin and end, not to judge them.

Example:
    >>> locate_keys('[images.orders]\nplatforms = [\n  "linux/amd64",\n]')["images", "orders"]
    1
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    # The long forms first: each opens with the short one. Up to two quotes may precede the end.
    re.compile(r'"""(?:[^"\\]|\\.|"(?!"")|""(?!"))*"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


def locate_keys(text: str) -> Mapping[KeyPath, int]:
    """Return the line, counted from 1, of every key, table and array element.

    Args:
        text: A valid TOML document.
    """
    return _Walk(text).document()


class _Walk:
    """One pass over a document, with a cursor."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.lines: dict[KeyPath, int] = {}
        self.last_index: dict[KeyPath, int] = {}
        """Of each array of tables, the index of the table that was opened last."""

    def document(self) -> dict[KeyPath, int]:
        """Walk over all of it."""
        table: KeyPath = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
        return self.lines

    def header(self) -> KeyPath:
        """Walk over `[table]` or `[[table]]`, and return its path."""
        line = self.line()
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        path: KeyPath = ()
        for part in self.key():
            self.note((*path, part), line)
            path = self.inside((*path, part))
        self.skip(_SPACE)
        self.at += brackets
        if brackets == 1:
            return path
        # An array of tables that is open already ends in its last index: the next one follows.
        array = path[:-1] if path and path[-1:] == (self.last_index.get(path[:-1]),) else path
        index = self.last_index.get(array, -1) + 1
        self.last_index[array] = index
        self.note((*array, index), line)
        return (*array, index)

    def inside(self, path: KeyPath) -> KeyPath:
        """Return the path, with the last index where it names an array of tables."""
        return (*path, self.last_index[path]) if path in self.last_index else path

    def pair(self, table: KeyPath) -> None:
        """Walk over `key = value`."""
        line = self.line()
        path = table
        for part in self.key():
            path = (*path, part)
            self.note(path, line)
        self.skip(_SPACE)
        self.at += 1
        self.skip(_SPACE)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        """Walk over a value, noting what is inside."""
        opened = self.text[self.at]
        if opened == "[":
            self.array(path)
        elif opened == "{":
            self.inline_table(path)
        elif opened in "\"'":
            self.string()
        else:
            self.skip(_SCALAR)

    def array(self, path: KeyPath) -> None:
        """Walk over an array; each element has the line that it begins on."""
        index = 0
        self.at += 1
        self.skip(_BLANK)
        while self.text[self.at] != "]":
            self.note((*path, index), self.line())
            self.value((*path, index))
            index += 1
            self.comma()
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        """Walk over a table in braces."""
        self.at += 1
        self.skip(_BLANK)
        while self.text[self.at] != "}":
            self.pair(path)
            self.comma()
        self.at += 1

    def comma(self) -> None:
        """Walk over what may stand between two elements."""
        self.skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self.skip(_BLANK)

    def key(self) -> list[str]:
        """Walk over a key and return its parts: `a."b c"` has two."""
        parts: list[str] = []
        while True:
            self.skip(_SPACE)
            bare = _BARE_KEY.match(self.text, self.at)
            if bare is None:
                parts.append(str(tomllib.loads(f"key = {self.string()}")["key"]))
            else:
                self.at = bare.end()
                parts.append(bare[0])
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def string(self) -> str:
        """Walk over a string of any kind and return it with its quotes."""
        for form in _STRINGS:
            found = form.match(self.text, self.at)
            if found is not None:
                self.at = found.end()
                return found[0]
        raise ValueError(f"no string at line {self.line()}")

    def skip(self, form: re.Pattern[str]) -> None:
        """Walk over what has the form, which may be nothing."""
        found = form.match(self.text, self.at)
        self.at = self.at if found is None else found.end()

    def line(self) -> int:
        """Return the line of the cursor."""
        return bisect_right(self.starts, self.at)

    def note(self, path: KeyPath, line: int) -> None:
        """Keep the first line that a path was seen on."""
        self.lines.setdefault(path, line)
