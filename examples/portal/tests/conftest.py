import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from portal.tasks import StoreDown, Task
from portal.web import create_app


class MemoryStore:
    """Tasks in memory, with a switch to break it."""

    def __init__(self) -> None:
        self.tasks: dict[uuid.UUID, Task] = {}
        self.down = False

    async def ready(self) -> bool:
        return not self.down

    async def add(self, text: str) -> Task:
        self._check()
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=len(self.tasks))
        task = Task(id=uuid.uuid4(), text=text, state="waiting", created_at=at)
        self.tasks[task.id] = task
        return task

    async def get(self, task_id: uuid.UUID) -> Task | None:
        self._check()
        return self.tasks.get(task_id)

    async def newest(self, limit: int) -> list[Task]:
        self._check()
        return [*self.tasks.values()][::-1][:limit]

    async def work(self, do: Callable[[str], dict[str, Any]]) -> Task | None:
        self._check()
        waiting = [task for task in self.tasks.values() if task.state == "waiting"]
        if not waiting:
            return None
        done = replace(waiting[0], state="done", result=do(waiting[0].text))
        self.tasks[done.id] = done
        return done

    def _check(self) -> None:
        if self.down:
            raise StoreDown("no route to host")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(store: MemoryStore) -> Iterator[TestClient]:
    with TestClient(create_app(store)) as client:
        yield client
