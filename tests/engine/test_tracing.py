"""OpenTelemetry: each operation is a span of the caller's trace, sent to a real collector."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from typing import IO, TYPE_CHECKING

import pytest

from tests.support.collector import Collector, attributes, collector
from tests.support.raw_session import RawSession, close_session, start_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
OK, ERROR = 0, 2


@pytest.fixture
def collected() -> Iterator[Collector]:
    """A collector that runs."""
    with collector() as running:
        yield running


@pytest.fixture
def traced(engine: Engine, collected: Collector) -> Engine:
    """The engine, told to send what it does to the collector."""
    return engine.with_environment(OTEL_EXPORTER_OTLP_ENDPOINT=collected.url)


def chain(image: str, nonce: str, script: str) -> str:
    """Return a query that runs a shell script."""
    return f"""{{ container {{ from(address: "{image}") {{
        withEnvVariable(name: "N", value: "{nonce}") {{
        withExec(args: ["sh", "-c", "{script}"]) {{ stdout }} }} }} }} }}"""


@contextlib.contextmanager
def session_of(engine: Engine, log: IO[str] | None = None) -> Iterator[RawSession]:
    """Hold a session open, without the SDK: that would send spans of its own.

    When it is over everything was sent.
    """
    session = start_session(engine, log=log)
    try:
        yield session
        assert session.stop() == 0
    finally:
        close_session(session)


def asked(session: RawSession, query: str, traceparent: str = TRACEPARENT) -> dict[str, object]:
    """Return the answer to a query that belongs to a trace."""
    answer: dict[str, object] = session.post(
        {"query": query}, headers={"traceparent": traceparent}
    ).json()
    return answer


def test_operations_are_children_of_the_request(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    begun = time.time_ns()
    with session_of(traced) as session:
        answer = asked(session, chain(samples.busybox, nonce, "sleep 0.2; echo said"))
        assert "errors" not in answer
    span = collected.span("echo said")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert span.status.code == OK
    assert begun < span.start_time_unix_nano < span.end_time_unix_nano < time.time_ns()
    assert span.end_time_unix_nano - span.start_time_unix_nano >= 200_000_000
    found = attributes(span)
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["dagger.io/dag.digest"])
    assert "dagger.io/dag.cached" not in found
    # Its input is a span of its own, and known by the same digest.
    inputs = set(found["dagger.io/dag.inputs"])
    assert inputs & {attributes(one).get("dagger.io/dag.digest") for one in collected.spans()}
    assert collected.services == {"keelway-engine"}


def test_cached_operations_say_so(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    for _ in range(2):
        with session_of(traced) as session:
            asked(session, chain(samples.busybox, nonce, "echo twice"))
    first, second = [span for span in collected.spans() if "echo twice" in span.name]
    assert "dagger.io/dag.cached" not in attributes(first)
    assert attributes(second)["dagger.io/dag.cached"] is True
    digests = {attributes(span)["dagger.io/dag.digest"] for span in (first, second)}
    assert len(digests) == 1


def test_an_error_names_its_span(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    with session_of(traced) as session:
        error = session.error(chain(samples.busybox, nonce, "echo why >&2; exit 3"))
    span = collected.span("exit 3")
    origin = f"{span.trace_id.hex()}-{span.span_id.hex()}"
    assert error["message"] == f"exit code: 3 [traceparent:{origin}]"
    assert error["extensions"]["exitCode"] == 3
    assert span.status.code == ERROR
    assert span.status.message == "exit code: 3"


def test_without_a_parent_the_session_is_the_trace(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    with session_of(traced) as session:
        session.data(chain(samples.busybox, nonce, "echo alone"))
    root = collected.span("keelway-engine session")
    span = collected.span("echo alone")
    assert root.parent_span_id == b""
    assert (span.trace_id, span.parent_span_id) == (root.trace_id, root.span_id)


def test_the_environment_may_name_the_parent(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    with session_of(traced.with_environment(TRACEPARENT=TRACEPARENT)) as session:
        session.data(chain(samples.busybox, nonce, "echo child"))
    span = collected.span("echo child")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert not [one for one in collected.spans() if one.name == "keelway-engine session"]


def test_a_trace_that_is_not_sampled_is_not_sent(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    with session_of(traced) as session:
        asked(session, chain(samples.busybox, nonce, "echo quiet"), f"00-{TRACE}-{SPAN}-00")
    assert not [span for span in collected.spans() if "echo quiet" in span.name]


def test_output_is_sent_without_secrets(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    with session_of(traced) as session:
        made = session.data(
            f'{{ setSecret(name: "{nonce}", plaintext: "value-{nonce}") {{ id }} }}'
        )
        session.data(f"""{{ container {{ from(address: "{samples.busybox}") {{
            withSecretVariable(name: "S", secret: "{made["setSecret"]["id"]}") {{
            withExec(args: ["sh", "-c", "echo to-out $S; echo to-err $S >&2"]) {{
            stdout }} }} }} }} }}""")
    span = collected.span("to-out")
    assert collected.output(span) == {1: "to-out ***\n", 2: "to-err ***\n"}


def test_side_by_side_work_keeps_its_parent(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    with session_of(traced) as session:
        script = f"""{{ container {{ from(address: "{samples.busybox}") {{
            withEnvVariable(name: "N", value: "{nonce}") {{
            one: withExec(args: ["echo", "one"]) {{ stdout }}
            two: withExec(args: ["echo", "two"]) {{ stdout }} }} }} }} }}"""
        asked(session, script)
    for words in ("exec echo one", "exec echo two"):
        assert collected.span(words).parent_span_id.hex() == SPAN


def test_a_service_belongs_to_the_request_that_needed_it(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    from_ = f'container {{ from(address: "{samples.busybox}")'
    with session_of(traced) as session:
        made = session.data(f"""{{ {from_} {{ withNewFile(path: "/n", contents: "{nonce}") {{
            withExposedPort(port: 80) {{ asService(args: ["httpd", "-f", "-p", "80"]) {{
            id }} }} }} }} }} }}""")
        service = made["container"]["from"]["withNewFile"]["withExposedPort"]["asService"]["id"]
        asked(
            session,
            f"""{{ {from_} {{ withEnvVariable(name: "N", value: "{nonce}") {{
            withServiceBinding(alias: "web", service: "{service}") {{
            withExec(args: ["nc", "-z", "web", "80"]) {{ exitCode }} }} }} }} }} }}""",
        )
    assert collected.span("nc -z web").parent_span_id.hex() == SPAN
    assert collected.span("httpd").parent_span_id.hex() == SPAN


@pytest.mark.parametrize(
    "settings",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "console"},
    ],
)
def test_nothing_is_sent_where_nothing_is_wanted(
    traced: Engine,
    collected: Collector,
    samples: SampleImages,
    nonce: str,
    settings: dict[str, str],
) -> None:
    with session_of(traced.with_environment(**settings)) as session:
        session.data(chain(samples.busybox, nonce, "echo x"))
    assert not collected.spans()


def test_headers_and_names_are_those_of_the_environment(
    traced: Engine, collected: Collector, samples: SampleImages, nonce: str
) -> None:
    named = traced.with_environment(
        OTEL_SERVICE_NAME="builder",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20abc",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
    )
    with session_of(named) as session:
        session.data(chain(samples.busybox, nonce, "echo named"))
    assert collected.span("echo named").status.code == OK
    assert "builder" in collected.services
    assert {one.get("authorization") for one in collected.headers} == {"Bearer abc"}


def test_a_dead_endpoint_neither_fails_nor_holds_up(
    engine: Engine, samples: SampleImages, nonce: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, never answers
        dead = engine.with_environment(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{deaf.getsockname()[1]}"
        )
        session = start_session(dead)
        try:
            found = session.data(chain(samples.busybox, nonce, "echo fine"))
            assert "fine" in str(found)
            begun = time.monotonic()
            assert session.stop() == 0
            assert time.monotonic() - begun < 10
        finally:
            close_session(session)


def test_an_endpoint_that_is_not_there_is_told_once(
    engine: Engine, samples: SampleImages, nonce: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    absent = engine.with_environment(OTEL_EXPORTER_OTLP_ENDPOINT=url)
    with (tmp_path / "log").open("w+") as log:
        with session_of(absent, log) as session:
            assert "fine" in str(session.data(chain(samples.busybox, nonce, "echo fine")))
            session.error(chain(samples.busybox, nonce, "exit 1"))
        log.seek(0)
        said = log.read().splitlines()
    told = [line for line in said if "telemetry" in line]
    assert len(told) == 1
    assert told[0].startswith("telemetry is not delivered, the work goes on: ")
    assert not [line for line in said if "Traceback" in line]
