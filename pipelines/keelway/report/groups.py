"""Groups of lines that a CI's log folds, in the form of that CI.

GitHub: "Workflow commands", `::group::`; GitLab: "Job logs", collapsible sections; Azure: "Logging
commands", formatting commands. None of them nests, or has two open at once.

Example:
    >>> groups = groups_of("github", print)
    >>> groups.open("build"); groups.close()
    ::group::build
    ::endgroup::
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_ERASE = "\x1b[0K"


class Groups(Protocol):
    """Begins and ends groups, one at a time."""

    def open(self, title: str) -> None:
        """Begin a group."""
        ...

    def close(self) -> None:
        """End the group that is open."""
        ...


class _Marked:
    """Two markers, each on a line of its own."""

    def __init__(self, write: Callable[[str], None], begin: str, end: str) -> None:
        self._write, self._begin, self._end = write, begin, end

    def open(self, title: str) -> None:
        """Begin a group."""
        self._write(f"{self._begin}{title}")

    def close(self) -> None:
        """End the group that is open."""
        self._write(self._end)


class _Sections:
    """GitLab's sections: they have names, which must differ, and times in whole seconds."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._number = 0

    def open(self, title: str) -> None:
        """Begin a section."""
        self._number += 1
        options = "[collapsed=true]"
        self._write(f"{_ERASE}{self._marker('start')}{options}\r{_ERASE}{title}")

    def close(self) -> None:
        """End the section that is open."""
        self._write(f"{_ERASE}{self._marker('end')}\r{_ERASE}")

    def _marker(self, what: str) -> str:
        return f"section_{what}:{int(time.time())}:keelway_{self._number}"


def groups_of(ci: str | None, write: Callable[[str], None]) -> Groups | None:
    """Return the groups of a CI; nothing where none are known.

    Args:
        ci: Its short name.
        write: Writes a line as it is.
    """
    match ci:
        case "github" | "gitea":
            return _Marked(write, "::group::", "::endgroup::")
        case "azure":
            return _Marked(write, "##[group]", "##[endgroup]")
        case "gitlab":
            return _Sections(write)
        case _:
            return None
