r"""All that services wrote, in one file: who, when, what.

Example:
    >>> line = format_entry(Entry(at=0.0, service="web", text="hello"))
    >>> line
    '1970-01-01T00:00:00.000000Z web hello\n'
    >>> parse_entry(line)
    Entry(at=0.0, service='web', text='hello')
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

_PARTS = 3
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line."""

    at: float
    """Seconds since 1970."""
    service: str
    text: str

    @property
    def time(self) -> str:
        """Return when, as programs write it."""
        moment = datetime.fromtimestamp(self.at, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def format_entry(entry: Entry) -> str:
    """Return the line of the file."""
    return f"{entry.time} {entry.service} {entry.text}\n"


def parse_entry(line: str) -> Entry | None:
    """Return what a line of the file says; nothing when it is none of ours."""
    parts = line.rstrip("\n").split(" ", _PARTS - 1)
    if len(parts) != _PARTS:
        return None
    try:
        at = datetime.fromisoformat(parts[0]).timestamp()
    except ValueError:
        return None
    return Entry(at=at, service=parts[1], text=parts[2])


def last_entries(lines: Iterable[str], services: Collection[str], tail: int | None) -> list[Entry]:
    """Return the entries of some services, of all when none is named; of each the last ones."""
    found = [entry for line in lines if (entry := parse_entry(line)) is not None]
    wanted = [entry for entry in found if not services or entry.service in services]
    if tail is None:
        return wanted
    kept: dict[str, deque[int]] = {}
    for number, entry in enumerate(wanted):
        kept.setdefault(entry.service, deque(maxlen=tail)).append(number)
    chosen = {number for numbers in kept.values() for number in numbers}
    return [entry for number, entry in enumerate(wanted) if number in chosen]


def read_log(
    file: Path, services: Collection[str], tail: int | None, goes_on: Callable[[], bool]
) -> Iterator[Entry]:
    """Yield what is in the file, and then what comes, for as long as more may come."""
    with file.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        yield from last_entries(stream, services, tail)
        rest = ""
        while True:
            # Asked first: what was written before the answer is still read.
            more = goes_on()
            while piece := stream.readline():
                rest += piece
                if rest.endswith("\n"):
                    yield from last_entries([rest], services, None)
                    rest = ""
            if not more:
                return
            time.sleep(_PAUSE_S)
