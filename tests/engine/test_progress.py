"""The local engine's own progress lines: every step begins and ends, and no secret shows."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import dagger
import pytest

from tests.support.engines import Engine, sdk_session
from tests.support.shell import output, shell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")


async def events(
    engine: Engine, work: Callable[[dagger.Client], Awaitable[object]]
) -> list[dict[str, Any]]:
    """Return the events of a session that does some work."""
    log = io.StringIO()
    telling = engine.with_environment(KEELWAY_ENGINE_PROGRESS="json")
    async with sdk_session(telling, log=log) as client:
        await work(client)
    return [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]


async def test_each_step_begins_once_and_ends_once(
    engine: Engine, samples: SampleImages, nonce: str
) -> None:
    async def work(client: dagger.Client) -> None:
        ready = client.container().from_(samples.busybox).with_env_variable("N", nonce)
        await output(ready, "echo said")

    told = await events(engine, work)
    started = [one["id"] for one in told if one["event"] == "start"]
    ended = [one["id"] for one in told if one["event"] == "end"]
    assert started
    assert len(set(started)) == len(started)
    assert sorted(started) == sorted(ended)
    assert any("echo said" in one.get("name", "") for one in told)


async def test_cached_steps_say_so(engine: Engine, samples: SampleImages, nonce: str) -> None:
    async def work(client: dagger.Client) -> None:
        ready = client.container().from_(samples.busybox).with_env_variable("N", nonce)
        await output(ready, "echo cached-or-not")

    async def cached() -> bool:
        told = await events(engine, work)
        names = {one["id"]: one["name"] for one in told if one["event"] == "start"}
        (end,) = [
            one
            for one in told
            if one["event"] == "end" and "cached-or-not" in names.get(one["id"], "")
        ]
        found: bool = end["cached"]
        return found

    assert [await cached(), await cached()] == [False, True]


async def test_output_lines_are_told_while_the_step_runs(
    engine: Engine, samples: SampleImages, nonce: str
) -> None:
    async def work(client: dagger.Client) -> None:
        ready = client.container().from_(samples.busybox).with_env_variable("N", nonce)
        await output(ready, "echo to-out; echo to-err >&2")

    told = await events(engine, work)
    lines = {(one["stream"], one["text"].strip()) for one in told if one["event"] == "log"}
    assert {("stdout", "to-out"), ("stderr", "to-err")} <= lines


async def test_failed_step_tells_its_error(
    engine: Engine, samples: SampleImages, nonce: str
) -> None:
    async def work(client: dagger.Client) -> None:
        ready = client.container().from_(samples.busybox).with_env_variable("N", nonce)
        with pytest.raises(dagger.ExecError):
            await output(ready, "exit 11")

    told = await events(engine, work)
    errors = [one["error"] for one in told if one["event"] == "end" and one["error"]]
    assert any("exit code: 11" in error for error in errors)


@pytest.mark.parametrize("form", ["json", "plain"])
async def test_secrets_do_not_show_in_the_progress(
    engine: Engine, samples: SampleImages, nonce: str, form: str
) -> None:
    value = f"progress-{nonce}"
    log = io.StringIO()
    telling = engine.with_environment(KEELWAY_ENGINE_PROGRESS=form)
    async with sdk_session(telling, log=log) as client:
        ready = client.container().from_(samples.busybox)
        ready = ready.with_secret_variable("S", client.set_secret(nonce, value))
        await shell(ready, f"echo {form} seen $S; echo $S >&2").stdout()
        with pytest.raises(dagger.ExecError):
            await shell(ready, f"echo {form} $S; exit 1").stdout()
    assert "seen ***" in log.getvalue()
    assert value not in log.getvalue()


async def test_quiet_engine_writes_nothing(engine: Engine, samples: SampleImages) -> None:
    log = io.StringIO()
    quiet = engine.with_environment(KEELWAY_ENGINE_PROGRESS="none")
    async with sdk_session(quiet, log=log) as client:
        await output(client.container().from_(samples.busybox), "echo x")
    assert log.getvalue() == ""
