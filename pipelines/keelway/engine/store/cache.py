"""What operations gave, by the digest of the operation: one look-up in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.store.database import Database, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.store.workspace import Workspace


class OperationCache:
    """Results by key, with the layers and blobs that each needs to stay true."""

    def __init__(self, database: Database, workspace: Workspace) -> None:
        """Keep the tables, and the session that marks what it uses."""
        self._database = database
        self._workspace = workspace
        self._known: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under the key, or None.

        The layers and blobs that were named with it stay for this session.
        """
        value = self._known.get(key)
        if value is not None:
            return value
        if self._find(key) is None:
            return None
        # Looked for again after it is marked: only then nobody frees what was found.
        self._workspace.pin("o" + key.hex())
        value = self._find(key)
        if value is not None:
            self._known[key] = value
        return value

    def put(
        self,
        key: bytes,
        value: bytes,
        *,
        description: str,
        layers: Sequence[str],
        blobs: Sequence[str],
    ) -> None:
        """Keep a value with the layers and blobs that it speaks of."""
        self._workspace.pin("o" + key.hex())
        self._database.write(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)",
            (key, value, description, " ".join(layers), " ".join(blobs), now()),
        )
        self._known[key] = value

    def forget(self, key: bytes) -> None:
        """Drop a value that turned out to be of no use."""
        self._known.pop(key, None)
        self._database.write("DELETE FROM results WHERE key = ?", (key,))

    def _find(self, key: bytes) -> bytes | None:
        rows = self._database.rows("SELECT value FROM results WHERE key = ?", (key,))
        return bytes(rows[0][0]) if rows else None
