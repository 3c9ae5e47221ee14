"""OpenTelemetry: a span for each operation of the engine, and what its commands write as logs.

    tracing = Tracing.of(os.environ, tell=print)        # None where nobody asks for it
    origin = tracing.start("1", "exec make", digest, inputs)
    tracing.end("1", cached=False, error=None)
    tracing.close()

The variables are those of the specification (`OTEL_EXPORTER_OTLP_ENDPOINT`, `..._HEADERS`,
`OTEL_SERVICE_NAME`, `OTEL_SDK_DISABLED` ...), most of them read by OpenTelemetry's own SDK. A span
is a child of the `traceparent` that its request carried, else of `TRACEPARENT` of the engine's
environment, else of a span for the whole session. Names of attributes are Dagger's (its
`telemetry/attrs.go`), where they mean the same.

Operations never wait for any of this: they leave a record, with ids that are chosen at once, and a
thread imports the SDK, makes the spans and sends them. An endpoint that is dead costs the session
nothing but a bounded wait at its end.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from keelway.engine.spans import Span, SpanIds, Written, current_parent, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keelway.engine.otlp import Exporter

FLUSH_S: Final = 3.0
"""The end of a session waits so long for what is not sent yet."""
_PREFIX: Final = "OTEL_"
_ENDPOINTS: Final = {
    "traces": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "logs": "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
}
_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SESSION: Final = "keelway-engine session"


class _Open(NamedTuple):
    name: str
    ids: SpanIds
    parent: SpanIds | None
    begun_ns: int
    attributes: Mapping[str, str | bool | Sequence[str]]


class Wanted(NamedTuple):
    """Which kinds of telemetry an environment asks for."""

    traces: bool
    logs: bool

    @classmethod
    def by(cls, environment: Mapping[str, str]) -> Wanted:
        """Return what these variables ask for: nothing unless one of them names an endpoint."""
        if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return cls(traces=False, logs=False)
        return cls(traces=_wanted(environment, "traces"), logs=_wanted(environment, "logs"))


class Tracing:
    """The spans of one session; safe to use from any thread."""

    def __init__(self, make: Callable[[], Exporter], *, logs: bool, parent: str = "") -> None:
        """Give what is recorded to the exporter that `make` makes, in a thread of its own."""
        self._make = make
        self._logs = logs
        self._queue: queue.SimpleQueue[Span | Written | None] = queue.SimpleQueue()
        self._open: dict[str, _Open] = {}
        given = SpanIds.parse(parent)
        self._own = given is None
        self._session = _Open(
            name=_SESSION,
            ids=given or SpanIds(trace=new_id(128), span=new_id(64)),
            parent=None,
            begun_ns=time.time_ns(),
            attributes={},
        )
        self._thread = threading.Thread(target=self._work, name="tracing", daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, environment: Mapping[str, str], tell: Callable[[str], None]) -> Tracing | None:
        """Return the tracing that an environment asks for; None when it asks for none.

        Args:
            environment: The variables.
            tell: Called with one line when telemetry cannot be sent; the first time only.
        """
        if not any(name.startswith(_PREFIX) for name in environment):
            return None
        wanted = Wanted.by(environment)
        if not wanted.traces:
            return None

        def make() -> Exporter:
            from keelway.engine.otlp import Exporter  # noqa: PLC0415 - 0.1 s, when it is wanted

            return Exporter(logs=wanted.logs, environment=environment, tell=tell)

        return cls(make, logs=wanted.logs, parent=environment.get("TRACEPARENT", ""))

    def start(self, step: str, name: str, digest: str, inputs: Sequence[str]) -> None:
        """Begin the span of a step."""
        parent = SpanIds.parse(current_parent()) or self._session.ids
        attributes: dict[str, str | bool | Sequence[str]] = {}
        if digest:
            attributes["dagger.io/dag.digest"] = f"sha256:{digest}"
        if inputs:
            attributes["dagger.io/dag.inputs"] = [f"sha256:{item}" for item in inputs]
        self._open[step] = _Open(name, parent.child(), parent, time.time_ns(), attributes)

    def log(self, step: str, stream: str, data: bytes) -> None:
        """Keep what a command of a step wrote."""
        span = self._open.get(step)
        if self._logs and span is not None and data:
            text = data.decode("utf-8", "replace")
            self._queue.put(Written(span.ids, time.time_ns(), stream, text))

    def end(self, step: str, *, cached: bool, error: str | None) -> None:
        """End the span of a step."""
        span = self._open.pop(step, None)
        if span is not None:
            self._queue.put(_ended(span, {"dagger.io/dag.cached": True} if cached else {}, error))

    def origin(self, step: str) -> str:
        """Return what an error calls the span of a step that runs; empty when there is none."""
        span = self._open.get(step)
        return span.ids.origin if span is not None else ""

    def close(self) -> None:
        """Send what is left, for a bounded time."""
        if self._own:
            self._queue.put(_ended(self._session, {}, None))
        self._queue.put(None)
        self._thread.join(FLUSH_S)

    def _work(self) -> None:
        first = self._queue.get()
        if first is None:
            return
        exporter = self._make()
        record: Span | Written | None = first
        while record is not None:
            exporter.take(record)
            record = self._queue.get()
        exporter.close()


def _ended(span: _Open, more: Mapping[str, bool], error: str | None) -> Span:
    return Span(
        name=span.name,
        ids=span.ids,
        parent=span.parent,
        begun_ns=span.begun_ns,
        ended_ns=time.time_ns(),
        attributes={**span.attributes, **more},
        error=error,
    )


def _wanted(environment: Mapping[str, str], kind: str) -> bool:
    """Say whether a kind of telemetry has an endpoint, and `otlp` is (one of) its exporters."""
    exporters = environment.get(f"OTEL_{kind.upper()}_EXPORTER", "").strip()
    if not exporters:
        return bool(environment.get(_ENDPOINTS[kind]) or environment.get(_ENDPOINT))
    return "otlp" in {name.strip() for name in exporters.split(",")}
