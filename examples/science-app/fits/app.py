"""The HTTP interface."""

from __future__ import annotations

import hmac
import json
import logging
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fits import __version__
from fits.fitting import FitError, fit
from fits.models import MODELS, Array
from fits.settings import Settings, settings_from
from fits.store import Store

_LOG = logging.getLogger("fits")
_MOST = 100_000
_LARGEST = 8 * 1024 * 1024


class Metrics:
    """What Prometheus is told."""

    def __init__(self, colour: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "http_request_duration_seconds", "How long they took", ["path"], registry=self.registry
        )
        self.fits = Counter("fits", "Fits by model and outcome", ["model", "outcome"],
                            registry=self.registry)  # fmt: skip
        self.points = Counter("fit_points", "Measurements fitted", registry=self.registry)
        Gauge("fits_build", "This version", ["version", "colour"], registry=self.registry).labels(
            __version__, colour
        ).set(1)


class InputError(ValueError):
    """A request is not what it must be; the message says where."""


def measurements(body: Any) -> tuple[str, Array, Array, Array | None]:
    """Return the model's name, and x, y and their errors.

    Raises:
        InputError: Something is missing or wrong.
    """
    if not isinstance(body, dict):
        raise InputError("the request must be an object")
    if body.get("model") not in MODELS:
        raise InputError(f"model: must be one of {', '.join(MODELS)}")
    x, y = _numbers(body, "x"), _numbers(body, "y")
    sigma = _numbers(body, "sigma") if "sigma" in body else None
    if len(x) != len(y) or (sigma is not None and len(sigma) != len(y)):
        raise InputError("x, y and sigma must have the same length")
    if sigma is not None and not bool(np.all(sigma > 0)):
        raise InputError("sigma: must be above 0")
    return body["model"], x, y, sigma


def _numbers(body: dict[str, Any], name: str) -> Array:
    given = body.get(name)
    if not isinstance(given, list) or not 0 < len(given) <= _MOST:
        raise InputError(f"{name}: must be a list of 1 to {_MOST} numbers")
    for index, one in enumerate(given):
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise InputError(f"{name}[{index}]: must be a number")
    return np.array(given, dtype=np.float64)


class Service:
    """The requests that it answers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = Store(Path(settings.data), settings.store_key)
        self._store.open()
        self.metrics = Metrics(settings.colour)

    async def health(self, _request: Request) -> Response:
        """Say how it is: 503 while results can't be stored."""
        ready = await run_in_threadpool(self._store.ready)
        answer = {
            "status": "ok" if ready else "no results can be stored",
            "version": __version__,
            "colour": self._settings.colour,
        }
        return JSONResponse(answer, status_code=200 if ready else 503)

    async def show_metrics(self, _request: Request) -> Response:
        """Give Prometheus what it asks for."""
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def add_fit(self, request: Request) -> Response:
        """Fit measurements, store the result and answer it."""
        if not self._is_known(request):
            return JSONResponse({"error": "the header X-API-Key is missing or wrong"}, 401)
        body = await request.body()
        if len(body) > _LARGEST:
            return JSONResponse({"error": f"more than {_LARGEST} bytes"}, 413)
        try:
            name, x, y, sigma = measurements(json.loads(body))
        except (InputError, ValueError) as error:
            said = str(error) if isinstance(error, InputError) else "the request is no JSON"
            return JSONResponse({"error": said}, 422)
        try:
            found = await run_in_threadpool(fit, MODELS[name], x, y, sigma)
        except (FitError, np.linalg.LinAlgError) as error:
            self.metrics.fits.labels(name, "failed").inc()
            return JSONResponse({"error": str(error)}, 422)
        self.metrics.fits.labels(name, "found").inc()
        self.metrics.points.inc(len(x))
        result = {"model": name, **asdict(found)}
        number = await run_in_threadpool(self._store.add, result, __version__)
        _LOG.info("fitted", extra={"fields": {"model": name, "points": len(x), "result": number}})
        return JSONResponse({"id": number, "version": __version__, **result}, 201)

    async def show_fit(self, request: Request) -> Response:
        """Answer a result that was stored."""
        if not self._is_known(request):
            return JSONResponse({"error": "the header X-API-Key is missing or wrong"}, 401)
        found = await run_in_threadpool(self._store.get, request.path_params["number"])
        if found is None:
            return JSONResponse({"error": "there is no such result"}, 404)
        return JSONResponse(found)

    def _is_known(self, request: Request) -> bool:
        given = request.headers.get("x-api-key", "").encode()
        return hmac.compare_digest(given, self._settings.api_key.encode())


class Observed:
    """Counts and logs requests, by the route's path and not by what was asked for."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            took = time.perf_counter() - begun
            route = scope.get("endpoint")
            path = "unknown" if route is None else scope["path"].rstrip("0123456789")
            self._service.metrics.requests.labels(path, str(status)).inc()
            self._service.metrics.seconds.labels(path).observe(took)
            level = logging.DEBUG if path in {"/health", "/metrics"} else logging.INFO
            fields = {"method": scope["method"], "path": path, "status": status,
                      "ms": round(took * 1000, 1)}  # fmt: skip
            _LOG.log(level, "request", extra={"fields": fields})


def create_app(settings: Settings | None = None) -> Starlette:
    """Return the application."""
    service = Service(settings or settings_from())
    return Starlette(
        routes=[
            Route("/health", service.health),
            Route("/metrics", service.show_metrics),
            Route("/fits", service.add_fit, methods=["POST"]),
            Route("/fits/{number:int}", service.show_fit),
        ],
        middleware=[Middleware(Observed, service=service)],
    )
