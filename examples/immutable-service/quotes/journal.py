"""The journal: every quote once, however many processes write it.

Two versions run side by side while one takes the other's place, and both hear the same prices. The
number that a price has from its source is the key: what the other one wrote already is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS quotes (
    number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, price TEXT NOT NULL
) WITHOUT ROWID
"""
_PATIENCE_S = 5


@dataclass(frozen=True, kw_only=True)
class Quote:
    """One price at one moment."""

    number: int
    """Greater than that of every quote before it."""
    symbol: str
    price: str
    """In decimal digits: money is no floating-point number."""

    def as_dict(self) -> dict[str, object]:
        """Return it as messages have it."""
        return asdict(self)


class Journal:
    """The journal's file."""

    def __init__(self, path: Path, *, kept: int) -> None:
        """Open it, or make it.

        Raises:
            sqlite3.Error: It cannot be opened, or is none.
        """
        self._kept = kept
        self._database = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_TABLE)

    def add(self, quote: Quote) -> None:
        """Write a quote down, unless it is there already."""
        row = (quote.number, quote.symbol, quote.price)
        self._database.execute("INSERT OR IGNORE INTO quotes VALUES (?, ?, ?)", row)

    def since(self, number: int, limit: int) -> Sequence[Quote]:
        """Return the quotes behind a number: the first ones, in their order."""
        rows = self._database.execute(
            "SELECT number, symbol, price FROM quotes WHERE number > ? ORDER BY number LIMIT ?",
            (number, limit),
        )
        return [Quote(number=row[0], symbol=row[1], price=row[2]) for row in rows]

    def last(self) -> int:
        """Return the number of the newest quote; 0 where there is none."""
        (number,) = self._database.execute("SELECT max(number) FROM quotes").fetchone()
        return number or 0

    def count(self) -> int:
        """Return how many quotes it has."""
        (count,) = self._database.execute("SELECT count(*) FROM quotes").fetchone()
        return count

    def prune(self) -> None:
        """Remove the oldest quotes that are too many."""
        self._database.execute(
            "DELETE FROM quotes WHERE number < ("
            "SELECT min(number) FROM (SELECT number FROM quotes ORDER BY number DESC LIMIT ?))",
            (self._kept,),
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()
