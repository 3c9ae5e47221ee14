"""The store's tables: SQLite, write-ahead log, shared by threads and by processes."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from keelway.engine.errors import EngineError
from keelway.engine.store import space

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

_BUSY_S = 30.0
_DAMAGE = re.compile("malformed|not a database|corrupt|no such (table|column)")
_CHECKPOINT_PAGES = 2000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
  key BLOB PRIMARY KEY, value BLOB NOT NULL, description TEXT NOT NULL,
  layers TEXT NOT NULL, blobs TEXT NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (
  name TEXT PRIMARY KEY, time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (
  pipeline TEXT NOT NULL, name TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (pipeline, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memo (
  kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class Damaged(EngineError):  # noqa: N818 - says what happened
    """The database can't be read; only a new one helps."""


class Database:
    """One file of tables: a connection to read and one to write, each behind a lock."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make its tables if it has none.

        Raises:
            Damaged: The file is no database, or was found to be damaged before.
            EngineError: The file can't be opened.
        """
        self._path = path
        if _mark(path).exists():
            raise self._damaged("it was found to be damaged")
        with self._explained():
            self._writer = _connect(path)
            with self._writer:
                self._writer.executescript(_SCHEMA)
            self._reader = _connect(path)
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a query gives.

        Raises:
            EngineError: The file can't be read.
        """
        with self._read_lock, self._explained():
            return self._reader.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Give the writing connection for one transaction.

        Raises:
            EngineError: The file can't be written to.
        """
        with self._write_lock, self._explained():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a fault of the disk has ended it already
                    self._writer.execute("ROLLBACK")
                raise

    def write(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run one statement as a transaction of its own.

        Raises:
            EngineError: The file can't be written to.
        """
        with self._write_lock, self._explained():
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

    @contextmanager
    def _explained(self) -> Generator[None]:
        """Tell faults of SQLite as what they mean for the user."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if _DAMAGE.search(str(error)):
                raise self._damaged(error) from error
            told = space.full(self._path.parent)
            raise told or EngineError(
                f"the store's database {self._path} can't be used: {error}; "
                f"see to the disk, or {space.REMEDY}"
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> Damaged:
        """Return the error for a damaged file, which is marked so that it is replaced."""
        with suppress(OSError):
            _mark(self._path).touch()
        return Damaged(
            f"the store's database {self._path} is damaged ({reason}): what it knew is forgotten, "
            "and the next session that has the store alone begins with a new one. Try again"
        )


def files_of(path: Path) -> list[Path]:
    """Return the files that a database consists of, with the mark that it is damaged."""
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")), _mark(path)]


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


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
