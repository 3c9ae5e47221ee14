"""Many things at once, long things, and clients that go away."""

from __future__ import annotations

import concurrent.futures
import time
from typing import TYPE_CHECKING

import anyio
import dagger
import httpx
import pytest

from tests.support.shell import output, shell

if TYPE_CHECKING:
    from tests.support.raw_session import RawSession
    from tests.support.sample_images import SampleImages


async def test_fifty_execs_at_once_each_have_their_own_output(
    base: dagger.Container, nonce: str
) -> None:
    told: dict[int, str] = {}

    async def run(number: int) -> None:
        ready = base.with_env_variable("N", f"{nonce}-{number}")
        told[number] = await output(ready, "sleep 0.1; echo $N; head -c 20000 /dev/zero | wc -c")

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(run, number)
    assert told == {number: f"{nonce}-{number}\n20000\n" for number in range(50)}


async def test_twenty_sleeping_execs_sleep_together(base: dagger.Container, nonce: str) -> None:
    await output(base, "true")
    began = time.monotonic()
    async with anyio.create_task_group() as group:
        for number in range(20):
            ready = base.with_env_variable("N", f"{nonce}-{number}")
            group.start_soon(output, ready, "sleep 2")
    assert time.monotonic() - began < 20


async def test_long_silent_exec_is_answered(base: dagger.Container, nonce: str) -> None:
    assert await output(base.with_env_variable("N", nonce), "sleep 12; echo late") == "late\n"


async def test_one_failure_among_many_spoils_only_itself(
    base: dagger.Container, nonce: str
) -> None:
    told: list[str] = []

    async def run(number: int) -> None:
        ready = base.with_env_variable("N", f"{nonce}-{number}")
        try:
            told.append(await output(ready, f"sleep 0.1; exit {int(number == 3)}"))
        except dagger.ExecError as error:
            told.append(f"failed with {error.exit_code}")

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(run, number)
    assert sorted(told) == [*[""] * 7, "failed with 1"]


async def test_failure_of_a_shared_step_reaches_everyone_who_waits(
    base: dagger.Container, nonce: str
) -> None:
    shared = shell(base.with_env_variable("N", nonce), "sleep 0.5; exit 5")
    codes: list[int] = []

    async def ask(number: int) -> None:
        with pytest.raises(dagger.ExecError) as caught:
            await shared.with_exec(["echo", f"{number}"]).stdout()
        codes.append(caught.value.exit_code)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(ask, number)
    assert codes == [5] * 5


async def test_large_output_is_handed_over_whole(base: dagger.Container) -> None:
    text = await output(base, "head -c 15000000 /dev/zero | tr '\\0' 'x'")
    assert len(text) == 15_000_000


async def test_files_beyond_128_mib_are_not_read_as_text(base: dagger.Container) -> None:
    made = shell(base, "truncate -s 134217729 /big")
    assert await made.file("/big").size() == 134_217_729
    with pytest.raises(dagger.QueryError):
        await made.file("/big").contents()


def counting_query(samples: SampleImages, nonce: str, volume: str, script: str) -> str:
    """Return a query for an exec that notes each run in a cache volume."""
    return f"""{{ container {{ from(address: "{samples.busybox}") {{
      withMountedCache(path: "/log", cache: "{volume}") {{
      withEnvVariable(name: "N", value: "{nonce}") {{
      withExec(args: ["sh", "-c", "{script}"]) {{ stdout }} }} }} }} }} }}"""


def said(data: dict[str, object]) -> object:
    """Return the one leaf of an answer."""
    value: object = data
    while isinstance(value, dict):
        (value,) = value.values()
    return value


def test_query_sent_again_by_an_impatient_client_joins_the_first(
    raw: RawSession, samples: SampleImages, nonce: str
) -> None:
    volume = raw.data(f'{{ cacheVolume(key: "{nonce}") {{ id }} }}')["cacheVolume"]["id"]
    slow = counting_query(samples, nonce, volume, "echo ran >> /log/runs; sleep 3; echo done")
    for _ in range(3):
        with pytest.raises(httpx.TimeoutException):
            raw.post({"query": slow}, timeout=0.7)
    assert said(raw.data(slow)) == "done\n"
    count = counting_query(samples, f"{nonce}-2", volume, "wc -l < /log/runs")
    assert said(raw.data(count)) == "1\n"


def test_same_query_at_the_same_time_is_answered_to_everyone(
    raw: RawSession, samples: SampleImages, nonce: str
) -> None:
    volume = raw.data(f'{{ cacheVolume(key: "{nonce}") {{ id }} }}')["cacheVolume"]["id"]
    slow = counting_query(samples, nonce, volume, "echo ran >> /log/runs; sleep 1; echo done")
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: said(raw.data(slow)), range(10)))
    assert answers == ["done\n"] * 10
    count = counting_query(samples, f"{nonce}-2", volume, "wc -l < /log/runs")
    assert said(raw.data(count)) == "1\n"


def test_sibling_fields_of_one_query_run_side_by_side(
    raw: RawSession, samples: SampleImages, nonce: str
) -> None:
    volume = raw.data(f'{{ cacheVolume(key: "{nonce}") {{ id }} }}')["cacheVolume"]["id"]
    fields = ""
    for mine, other in ("ab", "ba"):
        wait = f"until [ -e /log/{other} ]; do sleep 0.05; done"
        script = f"touch /log/{mine}; timeout 20 sh -c '{wait}' && echo {mine}"
        inner = counting_query(samples, nonce, volume, script)
        fields += f" {mine}: {inner.strip()[1:-1].strip()}"
    data = raw.data("{" + fields + "}")
    assert [said(data[name]) for name in "ab"] == ["a\n", "b\n"]
