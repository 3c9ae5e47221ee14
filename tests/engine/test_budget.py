"""The store keeps to its budget by itself, and nobody loses what he uses."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.engines import sdk_session
from tests.support.leftovers import wait_until
from tests.support.raw_session import raw_session
from tests.support.shell import output, shell

if TYPE_CHECKING:
    import dagger

    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")

BUDGET = 30_000_000
STEP = 8_000_000


@pytest.fixture
def frugal(fresh_engine: Engine) -> Engine:
    """An engine whose store has a small budget."""
    return fresh_engine.with_environment(KEELWAY_ENGINE_GC=str(BUDGET))


def size_of(engine: Engine) -> int:
    """Return what a store takes, without its tables."""
    store = Path(engine.environment["KEELWAY_STORE"])
    parts = [str(store / name) for name in ("layers", "blobs", "volumes")]
    done = subprocess.run(["du", "-scB1", *parts], check=False, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1].split()[0])


async def fill(dag: dagger.Client, samples: SampleImages, name: str, steps: int) -> str:
    """Make layers of eight megabytes each and return the checksum of all of them."""
    ready = dag.container().from_(samples.busybox).with_env_variable("NAME", name)
    for number in range(steps):
        ready = shell(ready, f"head -c {STEP} /dev/urandom > /large-{number}")
    return await output(ready, "cat /large-* | md5sum")


async def test_session_that_ends_leaves_no_more_than_the_budget(
    frugal: Engine, samples: SampleImages, nonce: str
) -> None:
    for number in range(2):
        async with sdk_session(frugal) as dag:
            await fill(dag, samples, f"{nonce}-{number}", 5)
        assert size_of(frugal) <= BUDGET
    async with sdk_session(frugal) as dag:
        assert await dag.engine().local_cache().max_used_space() == BUDGET


async def test_what_was_used_last_is_there_in_the_next_session(
    frugal: Engine, samples: SampleImages, nonce: str
) -> None:
    async with sdk_session(frugal) as dag:
        await fill(dag, samples, f"{nonce}-old", 2)
        recent = await fill(dag, samples, f"{nonce}-new", 1)
    async with sdk_session(frugal) as dag:
        assert await fill(dag, samples, f"{nonce}-new", 1) == recent
        await fill(dag, samples, f"{nonce}-newer", 3)
    assert size_of(frugal) <= BUDGET


async def test_room_is_made_while_sessions_live_and_keeps_what_they_use(
    frugal: Engine, samples: SampleImages, nonce: str
) -> None:
    off = frugal.with_environment(KEELWAY_ENGINE_GC="off")
    async with sdk_session(off) as dag:
        for number in range(3):
            await fill(dag, samples, f"{nonce}-{number}", 3)
    full = size_of(off)
    assert full > 2 * BUDGET
    async with sdk_session(off) as live:
        mine = await fill(live, samples, f"{nonce}-1", 3)
        async with sdk_session(frugal) as dag:
            await output(dag.container().from_(samples.busybox), "true")
            assert wait_until(lambda: size_of(frugal) < full - 2 * STEP, seconds=30)
            assert await fill(live, samples, f"{nonce}-1", 3) == mine
        assert size_of(frugal) < full - 4 * STEP
        assert await fill(live, samples, f"{nonce}-1", 3) == mine
        again = live.container().from_(samples.busybox).with_env_variable("NAME", f"{nonce}-1")
        for number in range(3):
            again = shell(again, f"head -c {STEP} /dev/urandom > /large-{number}")
        assert await again.file("/large-0").size() == STEP


def test_answers_come_before_room_is_made(
    fresh_engine: Engine, samples: SampleImages, nonce: str
) -> None:
    steps = [f'withNewFile(path: "/{number}", contents: "{nonce}")' for number in range(40)]
    fields = ["container", f'from(address: "{samples.busybox}")', *steps, "rootfs", "entries"]
    text = "{ " + " { ".join(fields) + " }" * len(fields)
    with raw_session(fresh_engine.with_environment(KEELWAY_ENGINE_GC="off")) as session:
        session.data(text)
    with raw_session(fresh_engine.with_environment(KEELWAY_ENGINE_GC="1MB")) as session:
        full = size_of(fresh_engine)
        session.data(text)
        assert size_of(fresh_engine) == full
    assert size_of(fresh_engine) <= 1_000_000
