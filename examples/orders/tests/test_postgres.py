"""The same against PostgreSQL, when ORDERS_TEST_DATABASE_URL names an empty database."""

import asyncio
import os

import pytest
from starlette.testclient import TestClient

from orders.app import create_app
from orders.database import PostgresStore, migration_files
from orders.settings import Settings

URL = os.environ.get("ORDERS_TEST_DATABASE_URL")
needs_database = pytest.mark.skipif(not URL, reason="ORDERS_TEST_DATABASE_URL is not set")


@needs_database
def test_orders_survive_in_postgres_and_migrations_run_once():
    settings = Settings(database=URL)
    body = {"customer": "Ada", "lines": [{"sku": "tea", "quantity": 3, "unit_price_cents": 450}]}
    with TestClient(create_app(settings=settings)) as client:
        assert client.get("/health").json()["database"] == "up"
        created = client.post("/orders", json=body).json()
    with TestClient(create_app(settings=settings)) as client:
        assert client.get(f"/orders/{created['id']}").json() == created
        assert created in client.get("/orders").json()["orders"]

    async def again() -> list[str]:
        store = PostgresStore(settings)
        await store.open()
        try:
            return await store.migrate()
        finally:
            await store.close()

    assert asyncio.run(again()) == []
    assert len(migration_files()) >= 2


def test_it_starts_without_a_database():
    settings = Settings(database="postgresql://orders@127.0.0.1:1/orders")
    with TestClient(create_app(settings=settings)) as client:
        assert client.get("/health").json()["status"] == "degraded"
        assert client.get("/orders").status_code == 503
