"""How quick the engine is: its start, execs in a chain, a cached chain, platforms side by side."""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import time
import urllib.request
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dagger

from bench.scratch import BIN, Scratch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STARTS = 10
SLEEP_S = 3


def engine_ready(place: Scratch) -> float:
    """Return the median of seconds from the start of the program to its first answer."""
    return statistics.median(_one_start(place) for _ in range(STARTS))


def _one_start(place: Scratch) -> float:
    started = time.perf_counter()
    with subprocess.Popen(
        [BIN / "keelway-engine", "session"],
        env=place.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as engine:
        assert engine.stdout is not None
        assert engine.stdin is not None
        line = json.loads(engine.stdout.readline())
        login = base64.b64encode(f"{line['session_token']}:".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{line['port']}/query",
            data=json.dumps({"query": "{ version }"}).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request) as answer:
            assert "version" in json.load(answer)["data"]
        seconds = time.perf_counter() - started
        engine.stdin.close()
    return seconds


@asynccontextmanager
async def session(place: Scratch) -> AsyncIterator[dagger.Client]:
    """Open a session of the local engine on the scratch store."""
    os.environ["_EXPERIMENTAL_DAGGER_CLI_BIN"] = str(BIN / "keelway-engine")
    os.environ["KEELWAY_STORE"] = place.environment["KEELWAY_STORE"]
    async with dagger.Connection(dagger.Config(retry=None)) as client:
        yield client


async def exec_chain(place: Scratch, reference: str, length: int) -> tuple[float, float]:
    """Return seconds an exec, for a chain that is new, and for the same one in a new session."""
    nonce = uuid.uuid4().hex
    new = await _chain(place, reference, nonce, length)
    cached = await _chain(place, reference, nonce, length)
    return new / length, cached / length


async def _chain(place: Scratch, reference: str, nonce: str, length: int) -> float:
    async with session(place) as client:
        start = client.container().from_(reference)
        await start.sync()
        await start.with_exec(["/usr/bin/true", uuid.uuid4().hex]).sync()  # all is loaded now
        chain = start.with_env_variable("NONCE", nonce)
        for number in range(length):
            chain = chain.with_exec(["/usr/bin/true", str(number)])
        started = time.perf_counter()
        await chain.sync()
        return time.perf_counter() - started


async def side_by_side(place: Scratch, reference: str) -> float:
    """Return the seconds for two platforms of one Dockerfile, each of which sleeps."""
    import anyio  # noqa: PLC0415 - only this row needs it

    text = f"FROM {reference}\nRUN sleep {SLEEP_S} && echo {uuid.uuid4().hex}\n"
    async with session(place) as client:
        context = client.directory().with_new_file("Dockerfile", text)
        platforms = [dagger.Platform("linux/amd64"), dagger.Platform("linux/arm64")]
        for platform in platforms:
            await client.container(platform=platform).from_(reference).sync()
        started = time.perf_counter()
        async with anyio.create_task_group() as group:
            for platform in platforms:
                group.start_soon(context.docker_build(platform=platform).sync)
        return time.perf_counter() - started
