"""The queue in a real PostgreSQL, where PORTAL_DATABASE_URL names one that may be written to."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from portal.database import PostgresStore
from portal.settings import Settings
from portal.tasks import Task
from portal.worker import do

pytestmark = pytest.mark.skipif(
    "PORTAL_DATABASE_URL" not in os.environ, reason="no PORTAL_DATABASE_URL"
)


def with_stores(test: Callable[[PostgresStore, PostgresStore], Awaitable[None]]) -> None:
    async def run() -> None:
        one, two = (PostgresStore(Settings.from_environment()) for _ in range(2))
        await one.open()
        await two.open()
        try:
            while await one.work(do):
                pass
            await test(one, two)
        finally:
            await one.close()
            await two.close()

    asyncio.run(run())


def test_each_task_is_done_once_however_many_workers_there_are():
    async def test(one: PostgresStore, two: PostgresStore) -> None:
        added = {(await one.add(f"text {n}")).id for n in range(20)}
        done: list[Task] = []

        async def work(store: PostgresStore) -> None:
            while task := await store.work(do):
                done.append(task)

        await asyncio.gather(work(one), work(two), work(one))
        assert sorted(task.id for task in done) == sorted(added)
        assert {task.state for task in done} == {"done"}

    with_stores(test)


def test_a_task_that_fails_is_tried_again_and_then_given_up():
    async def test(one: PostgresStore, _two: PostgresStore) -> None:
        task = await one.add("tea")
        tried = 0

        def fails(_text: str) -> dict[str, object]:
            nonlocal tried
            tried += 1
            raise ValueError("no tea")

        for _ in range(200):
            await one.work(fails)
            found = await one.get(task.id)
            if found is not None and found.state == "failed":
                assert (tried, found.error) == (3, "no tea")
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it waits still")

    with_stores(test)
