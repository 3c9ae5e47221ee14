"""PostgreSQL: the connection pool, the migrations, and the orders in it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from orders.model import Draft, Order, parse_line
from orders.settings import Settings

T = TypeVar("T")
Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

# Any number, as long as every version of this service takes the same one.
MIGRATION_LOCK = 7_203_114_558
WAIT_S = 2.0
# Whoever asks how it is wants an answer at once.
READY_WAIT_S = 0.5
# The pool's own pauses between attempts grow; after this the next request makes a new attempt.
RECONNECT_S = 2.0


class DatabaseDown(Exception):
    """The database does not answer, or is not ready."""


class Store(Protocol):
    """Where orders are kept."""

    async def ready(self) -> bool: ...
    async def create(self, draft: Draft) -> Order: ...
    async def get(self, order_id: uuid.UUID) -> Order | None: ...
    async def newest(self, limit: int) -> list[Order]: ...


class PostgresStore:
    """Orders in PostgreSQL."""

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
        """Begin to connect, without waiting for it: the service starts before its database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    async def migrate(self) -> list[str]:
        """Bring the schema up to date and return what was applied.

        Raises:
            DatabaseDown: The database does not answer.
        """
        applied = await self._run(_migrate)
        self._migrated = True
        return applied

    async def ready(self) -> bool:
        """Return whether orders can be stored right now; migrates when that is still to do."""
        try:
            if not self._migrated:
                await self.migrate()
            await self._run(_ping, wait_s=READY_WAIT_S)
        except DatabaseDown:
            return False
        return True

    async def create(self, draft: Draft) -> Order:
        async def insert(connection: Connection) -> Order:
            cursor = await connection.execute(
                "INSERT INTO orders (id, customer, lines, total_cents) VALUES (%s, %s, %s, %s)"
                " RETURNING *",
                (
                    uuid.uuid4(),
                    draft.customer,
                    Jsonb([line.as_json() for line in draft.lines]),
                    draft.total_cents,
                ),
            )
            row = await cursor.fetchone()
            assert row is not None  # INSERT ... RETURNING gives one
            return _order(row)

        return await self._ask(insert)

    async def get(self, order_id: uuid.UUID) -> Order | None:
        async def select(connection: Connection) -> Order | None:
            cursor = await connection.execute("SELECT * FROM orders WHERE id = %s", (order_id,))
            row = await cursor.fetchone()
            return None if row is None else _order(row)

        return await self._ask(select)

    async def newest(self, limit: int) -> list[Order]:
        async def select(connection: Connection) -> list[Order]:
            cursor = await connection.execute(
                "SELECT * FROM orders ORDER BY created_at DESC, id LIMIT %s", (limit,)
            )
            return [_order(row) async for row in cursor]

        return await self._ask(select)

    async def _ask(self, query: Callable[[Connection], Awaitable[T]]) -> T:
        if not self._migrated:
            await self.migrate()
        return await self._run(query)

    async def _run(
        self, query: Callable[[Connection], Awaitable[T]], wait_s: float = WAIT_S
    ) -> T:
        try:
            async with self._pool.connection(timeout=wait_s) as connection:
                return await query(connection)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseDown(str(error)) from error


async def _ping(connection: Connection) -> None:
    await connection.execute("SELECT 1")


async def _migrate(connection: Connection) -> list[str]:
    """Apply what is new, in one transaction, one process at a time."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    cursor = await connection.execute("SELECT name FROM migrations")
    known = {row["name"] async for row in cursor}
    new = [file for file in migration_files() if file.name not in known]
    for file in new:
        await connection.execute(file.read_text().encode())
        await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (file.name,))
    return [file.name for file in new]


def migration_files() -> list[Traversable]:
    """Return the migrations in the order of their numbers."""
    folder = resources.files("orders") / "migrations"
    return sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )


def _order(row: Row) -> Order:
    return Order(
        id=row["id"],
        customer=row["customer"],
        lines=tuple(parse_line(line) for line in row["lines"]),
        total_cents=row["total_cents"],
        created_at=row["created_at"],
    )
