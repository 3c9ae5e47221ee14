"""Spans and logs handed to OpenTelemetry's SDK, which sends them by OTLP over HTTP.

Imported by the one thread that sends, when there is something to send. That thread is also the
only one that calls the exporter.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from keelway.engine.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry._logs import Logger
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LoggerProvider

    from keelway.engine.spans import SpanIds, Written

_NAME: Final = "keelway-engine"
_STREAMS: Final = {"stdout": 1, "stderr": 2}
_HTTP: Final = "http/protobuf"


class Exporter:
    """Sends what the engine recorded."""

    def __init__(
        self, *, logs: bool, environment: Mapping[str, str], tell: Callable[[str], None]
    ) -> None:
        """Set the SDK up as the environment of this process says.

        Args:
            logs: Whether what commands write is sent too.
            environment: The variables, for what the SDK does not read by itself.
            tell: Called with one line about the first trouble.
        """
        _hear_of_trouble(tell)
        _check_protocol(environment, tell)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - slow
            OTLPSpanExporter,
        )

        self._ids = _ChosenIds()
        resource = _resource()
        self._spans = TracerProvider(
            id_generator=self._ids, resource=resource, shutdown_on_exit=False
        )
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._spans.get_tracer(_NAME)
        self._log_records: LoggerProvider | None = None
        self._logger: Logger | None = None
        if logs:
            self._log_records = _log_records(resource)
            self._logger = self._log_records.get_logger(_NAME)

    def take(self, record: Span | Written) -> None:
        """Take one record, which is sent with others."""
        if isinstance(record, Span):
            self._take_span(record)
        else:
            self._take_output(record)

    def close(self) -> None:
        """Send what is left; returns when that is done or has failed."""
        self._spans.shutdown()
        if self._log_records is not None:
            self._log_records.shutdown()

    def _take_span(self, record: Span) -> None:
        self._ids.chosen = record.ids
        span = self._tracer.start_span(
            record.name,
            context=_context(record.parent),
            start_time=record.begun_ns,
            attributes=dict(record.attributes),
        )
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR, record.error))
        span.end(record.ended_ns)

    def _take_output(self, record: Written) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415 - with the logs

        if self._logger is not None:
            self._logger.emit(
                LogRecord(
                    timestamp=record.at_ns,
                    context=_context(record.ids),
                    severity_number=SeverityNumber.INFO,
                    body=record.text,
                    attributes={"stdio.stream": _STREAMS.get(record.stream, 1)},
                )
            )


class _ChosenIds(IdGenerator):
    """Gives a new span the ids that were chosen when its operation began."""

    def __init__(self) -> None:
        self.chosen: SpanIds | None = None

    def generate_span_id(self) -> int:
        if self.chosen is None:
            raise AssertionError("a span was begun without ids")
        return self.chosen.span

    def generate_trace_id(self) -> int:
        if self.chosen is None:
            raise AssertionError("a span was begun without ids")
        return self.chosen.trace


class _Trouble(logging.Handler):
    """Tells of the first trouble, instead of writing all of them between the engine's words."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._told:
            self._told = True
            first = record.getMessage().partition("\n")[0]
            self._tell(f"telemetry is not delivered, the work goes on: {first}")


def _hear_of_trouble(tell: Callable[[str], None]) -> None:
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(_Trouble(tell))
    logger.propagate = False


def _check_protocol(environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Say so when a protocol is asked for that is not spoken: OTLP over HTTP is used all the same.

    Its port (4318) is not that of gRPC (4317), so the endpoint must be one for HTTP.
    """
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        asked = environment.get(name)
        if asked:
            if asked != _HTTP:
                tell(f"{name}={asked} is not spoken here; telemetry is sent by {_HTTP}")
            return


def _resource() -> Resource:
    """Return who sends: what the environment says, else this engine's name."""
    from importlib import metadata  # noqa: PLC0415 - for this only

    resource = Resource.create({SERVICE_VERSION: metadata.version("keelway")})
    named = OTELResourceDetector().detect().attributes.get(SERVICE_NAME)
    return resource if named else resource.merge(Resource({SERVICE_NAME: _NAME}))


def _log_records(resource: Resource) -> LoggerProvider:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import (  # noqa: PLC0415 - when wanted
        OTLPLogExporter,
    )
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - likewise
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415 - likewise

    records = LoggerProvider(resource=resource, shutdown_on_exit=False)
    records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    return records


def _context(parent: SpanIds | None) -> Context:
    """Return the context in which this span is the current one; empty for none."""
    from opentelemetry.context import Context  # noqa: PLC0415 - cheap, named here only

    if parent is None:
        return Context()
    where = SpanContext(
        trace_id=parent.trace,
        span_id=parent.span,
        is_remote=True,
        trace_flags=TraceFlags(parent.flags),
    )
    return trace.set_span_in_context(NonRecordingSpan(where), Context())
