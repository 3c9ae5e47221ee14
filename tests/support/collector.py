"""An OpenTelemetry collector on the loopback: takes OTLP over HTTP and keeps what it got."""

from __future__ import annotations

import contextlib
import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Where it listens, and what it was sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[Span] = []
        self._records: list[LogRecord] = []
        self.services: set[str] = set()
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Keep a request's spans or log records."""
        with self._lock:
            self.headers.append(headers)
            if path == "/v1/traces":
                traces = ExportTraceServiceRequest.FromString(body)
                for group in traces.resource_spans:
                    self.services.add(attributes(group.resource)["service.name"])
                    for scope in group.scope_spans:
                        self._spans += scope.spans
            elif path == "/v1/logs":
                logs = ExportLogsServiceRequest.FromString(body)
                for resource in logs.resource_logs:
                    for scoped in resource.scope_logs:
                        self._records += scoped.log_records

    def spans(self) -> list[Span]:
        """Return the spans in the order of their starts."""
        with self._lock:
            return sorted(self._spans, key=lambda span: span.start_time_unix_nano)

    def span(self, words: str) -> Span:
        """Return the one span with these words in its name."""
        named = [span for span in self.spans() if words in span.name]
        assert len(named) == 1, [span.name for span in self.spans()]
        return named[0]

    def output(self, span: Span) -> dict[int, str]:
        """Return what the command of a span wrote: by stream, 1 and 2."""
        with self._lock:
            mine = [record for record in self._records if record.span_id == span.span_id]
        found: dict[int, str] = {}
        for record in mine:
            stream = attributes(record)["stdio.stream"]
            found[stream] = found.get(stream, "") + record.body.string_value
        return found


def attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes of a span, a record or a resource as plain values."""
    return {pair.key: _value(pair.value) for pair in holder.attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    """Listen for the length of a test."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.take(self.path, body, {k.lower(): v for k, v in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
