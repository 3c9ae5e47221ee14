import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from orders.app import create_app
from orders.database import DatabaseDown
from orders.model import Draft, Order


class MemoryStore:
    """Orders in memory, with a switch to break it."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.down = False

    async def ready(self) -> bool:
        return not self.down

    async def create(self, draft: Draft) -> Order:
        self._check()
        order = Order(
            id=uuid.uuid4(),
            customer=draft.customer,
            lines=draft.lines,
            total_cents=draft.total_cents,
            created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=len(self.orders)),
        )
        self.orders.append(order)
        return order

    async def get(self, order_id: uuid.UUID) -> Order | None:
        self._check()
        return next((order for order in self.orders if order.id == order_id), None)

    async def newest(self, limit: int) -> list[Order]:
        self._check()
        return self.orders[::-1][:limit]

    def _check(self) -> None:
        if self.down:
            raise DatabaseDown("no route to host")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(store: MemoryStore) -> Iterator[TestClient]:
    with TestClient(create_app(store)) as client:
        yield client
