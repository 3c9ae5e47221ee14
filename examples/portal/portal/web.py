"""The web side: pages for people, JSON for programs, and nothing else."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from portal.analysis import MAX_CHARACTERS, InvalidText, check_text
from portal.pages import front_page, task_page
from portal.serving import health, opened_store
from portal.tasks import StoreDown, TaskStore

log = logging.getLogger("portal.web")

# A character has four bytes at most, and each of them three in a form.
MAX_BODY_BYTES = 12 * MAX_CHARACTERS
SHOWN = 20
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(store: TaskStore | None = None) -> Starlette:
    """Return the application; tasks are kept in PostgreSQL where no store is given."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened_store(store) as opened:
            app.state.store = opened
            yield

    return Starlette(
        routes=[
            Route("/", front),
            Route("/health", health),
            Route("/tasks", hand_in, methods=["POST"]),
            Route("/tasks/{task_id:uuid}", show),
        ],
        exception_handlers={
            InvalidText: _invalid,
            StoreDown: _unavailable,
            HTTPException: _http_error,
        },
        lifespan=lifespan,
    )


async def front(request: Request) -> Response:
    tasks = await request.app.state.store.newest(SHOWN)
    if _wants_json(request):
        return JSONResponse({"tasks": [task.as_json() for task in tasks]})
    return HTMLResponse(front_page(tasks), headers=HEADERS)


async def hand_in(request: Request) -> Response:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"a text has at most {MAX_CHARACTERS} characters")
    is_json = request.headers.get("content-type", "").startswith("application/json")
    text = _from_json(body) if is_json else _from_form(body)
    task = await request.app.state.store.add(check_text(text))
    place = f"/tasks/{task.id}"
    if is_json:
        return JSONResponse(task.as_json(), status_code=202, headers={"Location": place})
    return RedirectResponse(place, status_code=303)


async def show(request: Request) -> Response:
    task_id: uuid.UUID = request.path_params["task_id"]
    task = await request.app.state.store.get(task_id)
    if task is None:
        raise HTTPException(404, f"there is no text {task_id}")
    if _wants_json(request):
        return JSONResponse(task.as_json())
    return HTMLResponse(task_page(task), headers=HEADERS)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _from_json(body: bytes | bytearray) -> object:
    try:
        told = json.loads(body)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidText(f"the body is not JSON: {error}") from error
    if not isinstance(told, dict):
        raise InvalidText("a JSON object is required")
    return told.get("text")


def _from_form(body: bytes | bytearray) -> object:
    fields = parse_qs(bytes(body).decode("utf-8", errors="replace"))
    return fields.get("text", [""])[0]


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
