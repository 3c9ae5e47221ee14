"""A task: a text, and what became of it; and where tasks are kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

State = Literal["waiting", "done", "failed"]
MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Somebody's text, and what the worker said of it."""

    id: uuid.UUID
    text: str
    state: State
    created_at: datetime
    result: dict[str, Any] | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "state": self.state,
            "created_at": self.created_at.isoformat(),
            "result": self.result,
            "error": self.error,
        }


class StoreDown(Exception):
    """Where tasks are kept does not answer."""


class TaskStore(Protocol):
    """Where tasks are kept, and the queue of those that wait.

    All of it raises `StoreDown` when it cannot be done, but `ready`, which tells so.
    """

    async def ready(self) -> bool: ...
    async def add(self, text: str) -> Task: ...
    async def get(self, task_id: uuid.UUID) -> Task | None: ...
    async def newest(self, limit: int) -> list[Task]: ...
    async def work(self, do: Callable[[str], dict[str, Any]]) -> Task | None:
        """Do the oldest task that waits and return it, or nothing where none does.

        A worker that dies in the middle leaves the task waiting. One that `do` fails on is tried
        again a little later, and has failed after `MAX_ATTEMPTS`.
        """
        ...
