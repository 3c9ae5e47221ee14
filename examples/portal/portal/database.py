"""PostgreSQL: the connection pool, the migrations, and the queue of tasks."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from portal.settings import Settings
from portal.tasks import MAX_ATTEMPTS, StoreDown, Task

log = logging.getLogger("portal")

T = TypeVar("T")
Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

# Any number, as long as web and worker of every version take the same one.
MIGRATION_LOCK = 5_117_042_016
WAIT_S = 2.0
# Whoever asks how it is wants an answer at once.
READY_WAIT_S = 0.5
# The pool's own pauses between attempts grow; after this the next request makes a new attempt.
RECONNECT_S = 2.0

# The row stays locked while the task is done: other workers pass it by, and see it again if this
# one dies.
TAKE = """\
SELECT * FROM tasks WHERE state = 'waiting' AND due_at <= now()
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
DONE = "UPDATE tasks SET state = 'done', result = %s WHERE id = %s RETURNING *"
FAILED = """\
UPDATE tasks SET attempts = attempts + 1, error = %s,
    state = CASE WHEN attempts + 1 >= %s THEN 'failed' ELSE 'waiting' END,
    due_at = now() + make_interval(secs => power(2, attempts))
WHERE id = %s RETURNING *"""


class PostgresStore:
    """Tasks in PostgreSQL."""

    def __init__(self, settings: Settings) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            settings.database,
            kwargs={"password": settings.password, "connect_timeout": 5, "row_factory": dict_row},
            min_size=1,
            max_size=settings.pool_size,
            timeout=WAIT_S,
            reconnect_timeout=RECONNECT_S,
            open=False,
        )
        self._migrated = False

    async def open(self) -> None:
        """Begin to connect, without waiting for it: services start before their database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    async def ready(self) -> bool:
        """Return whether tasks can be kept right now; migrates when that is still to do."""
        try:
            await self._migrate_once()
            await self._run(_ping, wait_s=READY_WAIT_S)
        except StoreDown:
            return False
        return True

    async def add(self, text: str) -> Task:
        async def insert(connection: Connection) -> Task:
            cursor = await connection.execute(
                "INSERT INTO tasks (id, text) VALUES (%s, %s) RETURNING *", (uuid.uuid4(), text)
            )
            return _task(await _row(cursor))

        return await self._ask(insert)

    async def get(self, task_id: uuid.UUID) -> Task | None:
        async def select(connection: Connection) -> Task | None:
            cursor = await connection.execute("SELECT * FROM tasks WHERE id = %s", (task_id,))
            row = await cursor.fetchone()
            return None if row is None else _task(row)

        return await self._ask(select)

    async def newest(self, limit: int) -> list[Task]:
        async def select(connection: Connection) -> list[Task]:
            cursor = await connection.execute(
                "SELECT * FROM tasks ORDER BY created_at DESC, id LIMIT %s", (limit,)
            )
            return [_task(row) async for row in cursor]

        return await self._ask(select)

    async def work(self, do: Callable[[str], dict[str, Any]]) -> Task | None:
        async def take(connection: Connection) -> Task | None:
            row = await (await connection.execute(TAKE)).fetchone()
            if row is None:
                return None
            try:
                result = do(row["text"])
            except Exception as error:
                log.exception("task %s failed", row["id"])
                told = (str(error), MAX_ATTEMPTS, row["id"])
                return _task(await _row(await connection.execute(FAILED, told)))
            return _task(await _row(await connection.execute(DONE, (Jsonb(result), row["id"]))))

        return await self._ask(take)

    async def _ask(self, query: Callable[[Connection], Awaitable[T]]) -> T:
        await self._migrate_once()
        return await self._run(query)

    async def _migrate_once(self) -> None:
        if not self._migrated:
            await self._run(_migrate)
            self._migrated = True

    async def _run(
        self, query: Callable[[Connection], Awaitable[T]], wait_s: float = WAIT_S
    ) -> T:
        try:
            async with self._pool.connection(timeout=wait_s) as connection:
                return await query(connection)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreDown(str(error)) from error


async def _row(cursor: psycopg.AsyncCursor[Row]) -> Row:
    row = await cursor.fetchone()
    assert row is not None  # RETURNING gives one
    return row


async def _ping(connection: Connection) -> None:
    await connection.execute("SELECT 1")


async def _migrate(connection: Connection) -> None:
    """Apply what is new, in one transaction, one process at a time."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    cursor = await connection.execute("SELECT name FROM migrations")
    known = {row["name"] async for row in cursor}
    for file in migration_files():
        if file.name not in known:
            await connection.execute(file.read_text().encode())
            await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (file.name,))


def migration_files() -> list[Traversable]:
    """Return the migrations in the order of their numbers."""
    folder = resources.files("portal") / "migrations"
    return sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )


def _task(row: Row) -> Task:
    return Task(
        id=row["id"],
        text=row["text"],
        state=row["state"],
        created_at=row["created_at"],
        result=row["result"],
        error=row["error"],
    )
