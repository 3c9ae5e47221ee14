"""How a session starts and ends, as the SDK and other programs do it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.engines import CLI_BIN, Engine, environment, sdk_session
from tests.support.raw_session import LABELS, close_session, start_session

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages


@pytest.fixture(autouse=True)
def own_sessions(engine: Engine) -> None:
    """Skip these cases where only a given session may be used."""
    engine.require_own_sessions()


def test_session_prints_one_line_with_exactly_two_keys(engine: Engine) -> None:
    session = start_session(engine)
    try:
        told = json.loads(session.first_line)
        assert set(told) == {"port", "session_token"}
        assert isinstance(told["port"], int)
        assert told["session_token"]
        session.data("{ version }")
        assert session.stop() == 0
        assert session.process is not None
        assert session.process.stdout is not None
        assert session.process.stdout.read() == ""
    finally:
        close_session(session)


def test_unknown_flags_are_ignored(engine: Engine) -> None:
    words = (*LABELS, "--load-workspace-modules", "--project", "/x", "--never-heard-of", "value")
    session = start_session(engine, words)
    try:
        assert session.data("{ version }")
        assert session.stop() == 0
    finally:
        close_session(session)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_session_too(engine: Engine, number: signal.Signals) -> None:
    session = start_session(engine)
    try:
        assert session.process is not None
        session.data("{ directory { entries } }")
        session.process.send_signal(number)
        session.process.wait(timeout=20)
    finally:
        close_session(session)


def test_session_listens_on_the_loopback_only(engine: Engine) -> None:
    session = start_session(engine)
    try:
        port = f"{session.port:04X}"
        with Path("/proc/net/tcp").open() as table:
            listening = [line.split() for line in table if line.split()[3] == "0A"]
        addresses = [one[1] for one in listening if one[1].endswith(f":{port}")]
        assert addresses == [f"0100007F:{port}"]
    finally:
        close_session(session)


def test_each_session_has_its_own_port_and_token(engine: Engine) -> None:
    one, two = start_session(engine), start_session(engine)
    try:
        assert one.port != two.port
        assert one.token != two.token
        assert one.post({"query": "{ version }"}, auth=(two.token, "")).status_code == 401
    finally:
        close_session(one)
        close_session(two)


async def test_default_settings_of_the_sdk_work(engine: Engine, samples: SampleImages) -> None:
    changes = {**engine.environment, CLI_BIN: str(engine.program)}
    with environment(changes):
        async with dagger.Connection(dagger.Config(log_output=io.StringIO())) as client:
            done = client.container().from_(samples.busybox).with_exec(["echo", "hello"])
            assert await done.stdout() == "hello\n"


async def test_running_session_is_joined_by_its_port_and_token(engine: Engine) -> None:
    session = start_session(engine)
    try:
        given = {"DAGGER_SESSION_PORT": str(session.port), "DAGGER_SESSION_TOKEN": session.token}
        with environment(given):
            async with dagger.Connection() as client:
                assert await client.directory().with_new_file("f", "").entries() == ["f"]
    finally:
        close_session(session)


async def test_session_end_with_nothing_asked_is_clean(engine: Engine) -> None:
    async with sdk_session(engine):
        pass


async def test_objects_of_a_session_hold_while_it_lasts(
    dag: dagger.Client, samples: SampleImages
) -> None:
    made = await dag.container().from_(samples.busybox).with_exec(["touch", "/f"]).sync()
    identity = await made.id()
    for _ in range(30):
        assert await dag.directory().with_new_file("x", os.urandom(4).hex()).entries() == ["x"]
    again = dag.load_container_from_id(dagger.ContainerID(identity))
    assert await again.exists("/f") is True


def test_engine_that_cannot_start_says_why(engine: Engine) -> None:
    engine.require_local()
    broken = engine.with_environment(KEELWAY_STORE="/proc/no-store-can-be-here")
    done = subprocess.run(
        [str(broken.program), "session"],
        env={**os.environ, **broken.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "/proc/no-store-can-be-here" in done.stderr
    assert "Traceback" not in done.stderr
