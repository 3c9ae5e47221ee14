"""The unmodified SDK against the server, by both ways to reach a session."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import dagger
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FAKE = Path(__file__).with_name("fake_engine.py")
ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def environment(store: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("DAGGER_", "OTEL_", "_EXPERIMENTAL_DAGGER")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KEELWAY_STORE", str(store))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "pipelines"), str(ROOT)]))
    return monkeypatch


@contextmanager
def running() -> Iterator[tuple[subprocess.Popen[bytes], dict[str, object]]]:
    """Start the fake engine as the SDK would, and end it as the SDK does."""
    with subprocess.Popen(
        [sys.executable, FAKE, "session", "--unknown", "flag"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        yield process, json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(20) == 0


@pytest.fixture
def cli(tmp_path: Path, environment: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "engine"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)
    environment.setenv("_EXPERIMENTAL_DAGGER_CLI_BIN", str(program))
    return program


@asynccontextmanager
async def session() -> AsyncIterator[dagger.Client]:
    # Not the global `dag`: it keeps the first session's port for the whole process.
    async with dagger.Connection(dagger.Config(retry=None)) as client:
        yield client


async def test_by_port_and_token(environment: pytest.MonkeyPatch) -> None:
    with running() as (_, parameters):
        assert set(parameters) == {"port", "session_token"}
        environment.setenv("DAGGER_SESSION_PORT", str(parameters["port"]))
        environment.setenv("DAGGER_SESSION_TOKEN", str(parameters["session_token"]))
        async with session() as dag:
            assert await dag.container().with_exec(["a"]).stdout() == "a SUCCESS"


async def test_a_wrong_token_is_a_connection_error(environment: pytest.MonkeyPatch) -> None:
    with running() as (_, parameters):
        environment.setenv("DAGGER_SESSION_PORT", str(parameters["port"]))
        environment.setenv("DAGGER_SESSION_TOKEN", "wrong")
        with pytest.raises(dagger.ClientConnectionError, match="token is missing or wrong"):
            async with session():
                pass


@pytest.mark.usefixtures("cli")
async def test_chains_objects_lists_and_sync() -> None:
    async with session() as dag:
        assert (await dag.version()).startswith("v")
        files = dag.directory().with_new_file("f", "contents", permissions=0o600)
        container = dag.container().with_directory("/d", files).with_exec(['"quoted"\n', "é"])
        assert await container.stdout() == '/d=root+f:600\n"quoted"\n é SUCCESS'
        listed = container.with_env_variable("A", "1").with_env_variable("B", "2")
        found = [(await item.name(), await item.value()) for item in await listed.env_variables()]
        assert found == [("A", "1"), ("B", "2")]
        synced: dagger.Container = await container
        assert await synced.stdout() == await container.stdout()
        assert await container.env_variable("NONE") is None
        assert await container.exit_code() == 2**40
        assert await container.platform() == "linux/amd64"
        published = dag.container().publish(
            "registry/name",
            platform_variants=[container, synced],
            forced_compression=dagger.ImageLayerCompression.ZSTD,
            media_types=dagger.ImageMediaTypes.DOCKER,
        )
        assert await published == "registry/name 2 DockerMediaTypes Zstd"


@pytest.mark.usefixtures("cli")
async def test_errors_become_the_sdks_exceptions() -> None:
    async with session() as dag:
        with pytest.raises(dagger.ExecError) as caught:
            _ = await dag.container().with_exec(["fail", "7"]).sync()
        error = caught.value
        assert (str(error), error.exit_code) == ("exit code: 7", 7)
        assert (error.command, error.stdout, error.stderr) == (["sh", "-c", "exit"], "out", "err")
        assert error.error.path == ["container", "withExec", "sync"]
        with pytest.raises(dagger.QueryError, match=r"Container\.terminal is not supported"):
            await dag.container().terminal().stdout()
        other = dag.container().with_directory("/", dag.directory())
        assert await other.stdout() == "/=root"


@pytest.mark.usefixtures("cli")
async def test_three_hundred_nested_selections() -> None:
    async with session() as dag:
        container = dag.container()
        for number in range(298):
            container = container.with_exec([str(number)])
        assert (await container.stdout()).count("SUCCESS") == 298


@pytest.mark.usefixtures("cli")
async def test_a_hundred_queries_at_once() -> None:
    answers: list[str] = []

    async def ask(dag: dagger.Client, number: int) -> None:
        answers.append(await dag.container().with_exec(["sleep", "0.2", str(number)]).stdout())

    async with session() as dag:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for number in range(100):
                    tasks.start_soon(ask, dag, number)
    assert sorted(answers) == sorted(f"sleep 0.2 {number} SUCCESS" for number in range(100))


@pytest.mark.usefixtures("cli")
async def test_ids_of_older_clients() -> None:
    async with session() as dag:
        load = getattr(dag, "load_container_from_id", None)
        if load is None:
            pytest.skip("this SDK has no load_container_from_id")
        id_ = await dag.container().with_exec(["a"]).id()
        assert await load(dagger.ContainerID(id_)).stdout() == "a SUCCESS"
        other = await dag.directory().id()
        with pytest.raises(dagger.QueryError, match="expected the ID of a Container"):
            await load(dagger.ContainerID(other)).stdout()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_session(environment: pytest.MonkeyPatch, number: int) -> None:
    with running() as (process, parameters):
        environment.setenv("DAGGER_SESSION_PORT", str(parameters["port"]))
        environment.setenv("DAGGER_SESSION_TOKEN", str(parameters["session_token"]))
        async with session() as dag:
            assert await dag.version()
        process.send_signal(number)
        assert process.wait(20) == 0


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "dagger")
