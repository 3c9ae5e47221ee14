"""The worker: does one waiting task after the other, and tells how it is at `/health`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from portal.analysis import analyse
from portal.serving import health, opened_store
from portal.tasks import StoreDown, TaskStore

log = logging.getLogger("portal.worker")

IDLE_S = 0.25
DOWN_S = 1.0


def create_app(store: TaskStore | None = None) -> Starlette:
    """Return what the server runs: the worker beside its `/health`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened_store(store) as opened:
            app.state.store = opened
            working = asyncio.create_task(work_on(opened))
            try:
                yield
            finally:
                # What is cut off in the middle waits again: its transaction is undone.
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    return Starlette(routes=[Route("/health", health)], lifespan=lifespan)


async def work_on(store: TaskStore) -> None:
    """Do what waits, for ever."""
    while True:
        pause_s = IDLE_S
        try:
            task = await store.work(do)
        except StoreDown as error:
            log.warning("no tasks for now: %s", error)
            pause_s = DOWN_S
        else:
            if task is not None:
                log.info("task %s is %s", task.id, task.state)
                continue
        await asyncio.sleep(pause_s)


def do(text: str) -> dict[str, Any]:
    """Return what is told of a text."""
    return analyse(text).as_json()
