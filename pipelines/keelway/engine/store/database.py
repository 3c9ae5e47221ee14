"""The store's tables: SQLite, write-ahead log, shared by threads and by processes."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

_BUSY_S = 30.0
_CHECKPOINT_PAGES = 2000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
  key BLOB PRIMARY KEY, value BLOB NOT NULL, description TEXT NOT NULL,
  layers TEXT NOT NULL, blobs TEXT NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (
  name TEXT PRIMARY KEY, time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memo (
  kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class Database:
    """One file of tables: a connection to read and one to write, each behind a lock."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make its tables if it has none.

        Raises:
            EngineError: The file can't be opened or is no database.
        """
        try:
            self._writer = _connect(path)
            with self._writer:
                self._writer.executescript(_SCHEMA)
            self._reader = _connect(path)
        except sqlite3.Error as error:
            raise EngineError(
                f"the store's database {path} can't be opened: {error}; "
                f"if it is damaged, delete {path.parent} to start with an empty store"
            ) from error
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a query gives."""
        with self._read_lock:
            return self._reader.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Give the writing connection for one transaction."""
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def write(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run one statement as a transaction of its own."""
        with self._write_lock:
            self._writer.execute(sql, values)

    def memo(self, kind: str, key: str) -> str | None:
        """Return what was remembered under a kind and a key."""
        rows = self.rows("SELECT value FROM memo WHERE kind = ? AND key = ?", (kind, key))
        return str(rows[0][0]) if rows else None

    def remember(self, kind: str, key: str, value: str) -> None:
        """Remember a text under a kind and a key."""
        self.write("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", (kind, key, value))

    def close(self) -> None:
        """Close both connections; the last one to close folds the log into the file."""
        with self._write_lock, self._read_lock:
            if self._closed:
                return
            self._closed = True
            self._reader.close()
            with suppress(sqlite3.Error):
                self._writer.close()


def now() -> int:
    """Return the time in nanoseconds since 1970."""
    return time.time_ns()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection
