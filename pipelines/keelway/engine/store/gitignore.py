"""What `.gitignore` files leave out of a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pathspec import GitIgnoreSpec

_Rules = tuple[tuple[str, "GitIgnoreSpec"], ...]
"""Files of rules that hold somewhere, outermost first: where each lies, and what it says."""


class GitIgnore:
    """The rules of the repository around a folder, and of the folder itself.

    Without a repository the folder counts as one: nothing above it is read.
    """

    def __init__(self, folder: Path, *, top: Path | None = None) -> None:
        """Read the rules between the repository's root and the folder.

        Nothing above `top` is looked at: the tree of a container ends there, not the host's.
        """
        repository = next(
            (path for path in _upwards(folder, top) if (path / ".git").exists()), folder
        )
        self._above = folder.relative_to(repository).as_posix()
        if self._above == ".":
            self._above = ""
        self._root = repository
        rules: _Rules = ()
        parts = self._above.split("/") if self._above else []
        for count in range(len(parts)):
            rules = self._with(rules, "/".join(parts[:count]))
        self._outer = rules
        self._known: dict[str, _Rules] = {}

    def ignores(self, path: str, *, directory: bool) -> bool:
        """Say whether a path relative to the folder is left out.

        Whoever asks does not go into a directory that is left out, as git does not.
        """
        folder, _, name = path.rpartition("/")
        full = "/".join(part for part in (self._above, folder, name) if part)
        full += "/" if directory else ""
        for place, spec in reversed(self._rules(folder)):
            inside = full[len(place) + 1 :] if place else full
            verdict = spec.check_file(inside).include
            if verdict is not None:
                return verdict
        return False

    def _rules(self, folder: str) -> _Rules:
        """Return the rules that hold for what is in a folder."""
        rules = self._known.get(folder)
        if rules is None:
            outer = self._rules(folder.rpartition("/")[0]) if folder else self._outer
            place = "/".join(part for part in (self._above, folder) if part)
            rules = self._with(outer, place)
            self._known[folder] = rules
        return rules

    def _with(self, rules: _Rules, place: str) -> _Rules:
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most folders are read without these rules

        try:
            # A link is not followed, as git does not: it could lead out of the tree.
            descriptor = os.open(self._root / place / ".gitignore", os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return rules
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        return (*rules, (place, GitIgnoreSpec.from_lines(lines)))


def _upwards(folder: Path, top: Path | None) -> Iterator[Path]:
    """Yield a folder and those above it, up to `top`."""
    for path in (folder, *folder.parents):
        yield path
        if path == top:
            return
