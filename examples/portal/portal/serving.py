"""What web and worker have in common: the store for as long as they run, and `/health`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse

from portal.database import PostgresStore
from portal.settings import Settings
from portal.tasks import TaskStore

log = logging.getLogger("portal")


@asynccontextmanager
async def opened_store(store: TaskStore | None) -> AsyncIterator[TaskStore]:
    """Give the store; PostgreSQL as the environment says where there is none."""
    if store is not None:
        yield store
        return
    postgres = PostgresStore(Settings.from_environment())
    await postgres.open()
    try:
        if not await postgres.ready():
            log.warning("the database is not there yet: it is waited for")
        yield postgres
    finally:
        await postgres.close()


async def health(request: Request) -> JSONResponse:
    """Tell whether this process serves: it does, if degraded, without its database.

    `?ready` asks for more: 503 as long as nothing can be kept.
    """
    up = await request.app.state.store.ready()
    status = 503 if "ready" in request.query_params and not up else 200
    return JSONResponse({"status": "ok" if up else "degraded"}, status_code=status)
