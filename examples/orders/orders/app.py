"""The HTTP side: routes, status codes and nothing else."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from orders import __version__
from orders.database import DatabaseDown, PostgresStore, Store
from orders.model import InvalidOrder, parse_draft
from orders.settings import Settings

log = logging.getLogger("orders")

MAX_BODY_BYTES = 64 * 1024
MAX_PAGE = 200


def create_app(store: Store | None = None, settings: Settings | None = None) -> Starlette:
    """Return the application.

    Args:
        store: Where orders are kept; PostgreSQL as the settings say when absent.
        settings: The settings; those of the environment when absent.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if store is not None:
            app.state.store = store
            yield
            return
        postgres = PostgresStore(settings or Settings.from_environment())
        await postgres.open()
        app.state.store = postgres
        if not await postgres.ready():
            log.warning("the database is not there yet: orders are refused until it is")
        try:
            yield
        finally:
            await postgres.close()

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/orders", create_order, methods=["POST"]),
            Route("/orders", list_orders),
            Route("/orders/{order_id:uuid}", get_order),
        ],
        exception_handlers={
            InvalidOrder: _invalid,
            DatabaseDown: _unavailable,
            HTTPException: _http_error,
        },
        lifespan=lifespan,
    )


async def health(request: Request) -> JSONResponse:
    """Tell whether this process serves: it does, if degraded, without its database.

    `?ready` asks for more: 503 as long as orders cannot be stored.
    """
    up = await request.app.state.store.ready()
    status = 503 if "ready" in request.query_params and not up else 200
    return JSONResponse(
        {
            "status": "ok" if up else "degraded",
            "database": "up" if up else "down",
            "version": __version__,
        },
        status_code=status,
    )


async def create_order(request: Request) -> JSONResponse:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"an order has at most {MAX_BODY_BYTES} bytes")
    try:
        draft = parse_draft(json.loads(body))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidOrder(f"the body is not JSON: {error}") from error
    order = await request.app.state.store.create(draft)
    return JSONResponse(
        order.as_json(), status_code=201, headers={"Location": f"/orders/{order.id}"}
    )


async def list_orders(request: Request) -> JSONResponse:
    text = request.query_params.get("limit", "50")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PAGE:
        raise InvalidOrder(f"limit: a whole number from 1 to {MAX_PAGE} is required")
    orders = await request.app.state.store.newest(int(text))
    return JSONResponse({"orders": [order.as_json() for order in orders]})


async def get_order(request: Request) -> JSONResponse:
    order_id: uuid.UUID = request.path_params["order_id"]
    order = await request.app.state.store.get(order_id)
    if order is None:
        raise HTTPException(404, f"there is no order {order_id}")
    return JSONResponse(order.as_json())


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=422)


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.warning("database: %s", error)
    return JSONResponse(
        {"error": "the database is not available"}, status_code=503, headers={"Retry-After": "2"}
    )


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse(
        {"error": error.detail}, status_code=error.status_code, headers=error.headers
    )
