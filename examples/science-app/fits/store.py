"""Results, in a file of SQLite on a volume. Both colours of a deployment use the same one."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists results (
    id integer primary key,
    at real not null,
    version text not null,
    result text not null,
    seal text not null
)
"""


class TamperedError(Exception):
    """A stored result is not what was stored."""


class Store:
    """The results."""

    def __init__(self, folder: Path, key: str) -> None:
        self._file = folder / "results.db"
        self._key = key.encode()

    def open(self) -> None:
        """Make the file where it is not there yet."""
        with self._connected() as database:
            database.execute("pragma journal_mode = wal")
            database.execute(_SCHEMA)

    def add(self, result: dict[str, Any], version: str) -> int:
        """Store a result, and return its number."""
        text = json.dumps(result, sort_keys=True)
        with self._connected() as database:
            row = database.execute(
                "insert into results (at, version, result, seal) values (?, ?, ?, ?)",
                (time.time(), version, text, self._seal(text)),
            )
            return int(row.lastrowid or 0)

    def get(self, number: int) -> dict[str, Any] | None:
        """Return a result by its number.

        Raises:
            TamperedError: It is not what was stored.
        """
        with self._connected() as database:
            row = database.execute(
                "select result, seal, version from results where id = ?", (number,)
            ).fetchone()
        if row is None:
            return None
        text, seal, version = row
        if not hmac.compare_digest(seal, self._seal(text)):
            raise TamperedError(f"result {number} does not have its seal")
        return {"id": number, "version": version, **json.loads(text)}

    def ready(self) -> bool:
        """Tell whether results can be stored."""
        try:
            with self._connected() as database:
                database.execute("begin immediate")
                database.rollback()
        except sqlite3.Error:
            return False
        return True

    def back_up(self, folder: Path) -> Path:
        """Copy all results while they are used, and return the copy's file."""
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / time.strftime("results-%Y%m%dT%H%M%S.db", time.gmtime())
        draft = target.with_suffix(".part")
        copy = sqlite3.connect(draft)
        try:
            with self._connected() as database:
                database.backup(copy)
            if copy.execute("pragma integrity_check").fetchone() != ("ok",):
                raise TamperedError(f"{draft} is damaged")
        finally:
            copy.close()
        return draft.rename(target)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._file, timeout=10)
        try:
            with database:
                yield database
        finally:
            database.close()

    def _seal(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
