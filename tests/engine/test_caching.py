"""What is cached, for how long, under which identity; and that nothing runs twice at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import dagger
import pytest
from dagger import ReturnType

from tests.support.shell import output, settle

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages

RANDOM = "head -c 8 /dev/urandom | od -An -tx1"


async def test_same_exec_runs_once_in_a_session(base: dagger.Container, nonce: str) -> None:
    ready = base.with_env_variable("N", nonce)
    assert await output(ready, RANDOM) == await output(ready, RANDOM)


async def test_same_exec_of_another_session_is_cached(
    base: dagger.Container, samples: SampleImages, new_session: NewSession, nonce: str
) -> None:
    first = await output(base.with_env_variable("N", nonce), RANDOM)
    other = await new_session()
    again = other.container().from_(samples.busybox).with_env_variable("N", nonce)
    assert await output(again, RANDOM) == first


async def test_files_of_a_cached_exec_are_those_of_the_first_run(
    base: dagger.Container, samples: SampleImages, new_session: NewSession, nonce: str
) -> None:
    script = f"{RANDOM} > /made"
    made = base.with_env_variable("N", nonce).with_exec(["sh", "-c", script])
    first = await made.file("/made").contents()
    other = await new_session()
    again = other.container().from_(samples.busybox).with_env_variable("N", nonce)
    assert await again.with_exec(["sh", "-c", script]).file("/made").contents() == first


@pytest.mark.parametrize("change", ["variable", "argument", "user", "workdir", "file", "stdin"])
async def test_any_change_of_the_inputs_runs_again(
    base: dagger.Container, nonce: str, change: str
) -> None:
    ready = base.with_env_variable("N", nonce)
    first = await output(ready, RANDOM)
    changed = {
        "variable": ready.with_env_variable("M", "1").with_exec(["sh", "-c", RANDOM]),
        "argument": ready.with_exec(["sh", "-c", f"{RANDOM} "]),
        "user": ready.with_user("app").with_exec(["sh", "-c", RANDOM]),
        "workdir": ready.with_workdir("/var").with_exec(["sh", "-c", RANDOM]),
        "file": ready.with_new_file("/f", "x").with_exec(["sh", "-c", RANDOM]),
        "stdin": ready.with_exec(["sh", "-c", RANDOM], stdin="x"),
    }
    assert await changed[change].stdout() != first


async def test_identical_execs_at_the_same_time_run_once(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/log", dag.cache_volume(nonce)).with_env_variable("N", nonce)
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(output, ready, "echo ran >> /log/runs; sleep 0.5")
    assert await output(ready, "wc -l < /log/runs") == "1\n"


async def test_different_execs_run_side_by_side(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce))
    wait = "i=0; until [ -e /c/{0} ]; do sleep 0.05; i=$((i+1)); [ $i -lt 200 ] || exit 9; done"
    async with anyio.create_task_group() as group:
        for mine, other in ((0, 1), (1, 2), (2, 3), (3, 0)):
            group.start_soon(output, ready, f"touch /c/{mine}; {wait.format(other)}")


async def test_failed_exec_is_not_cached(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/log", dag.cache_volume(nonce))
    for _ in range(2):
        with pytest.raises(dagger.ExecError):
            await output(ready, "echo ran >> /log/runs; exit 1")
    assert await output(ready, "wc -l < /log/runs") == "2\n"


async def test_failed_exec_with_expect_any_is_cached(base: dagger.Container, nonce: str) -> None:
    done = base.with_exec(["sh", "-c", f"{RANDOM}; echo {nonce}; exit 3"], expect=ReturnType.ANY)
    assert await done.stdout() == await done.stdout()
    assert await done.exit_code() == 3


async def test_later_steps_share_the_earlier_ones(base: dagger.Container, nonce: str) -> None:
    shared = base.with_env_variable("N", nonce).with_exec(["sh", "-c", f"{RANDOM} > /r"])
    one = await shared.with_exec(["cat", "/r"]).stdout()
    two = await shared.with_exec(["sh", "-c", "cat /r; true"]).stdout()
    assert one == two == await shared.file("/r").contents()


async def test_files_count_by_content_not_by_where_they_came_from(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    direct = dag.directory().with_new_file("f", nonce)
    moved = dag.directory().with_new_file("x/f", nonce).with_new_file("y", "z").directory("x")
    first = await output(base.with_directory("/d", direct), RANDOM)
    assert await output(base.with_directory("/d", moved), RANDOM) == first


async def test_one_step_may_be_asked_for_many_things_at_once(
    base: dagger.Container, nonce: str
) -> None:
    done = base.with_exec(["sh", "-c", f"echo {nonce}; echo err >&2; echo f > /f"])
    told: dict[str, object] = {}

    async def ask(name: str) -> None:
        told[name] = await getattr(done, name)()

    async with anyio.create_task_group() as group:
        for name in ("stdout", "stderr", "combined_output", "exit_code", "id"):
            group.start_soon(ask, name)
    assert told["stdout"] == f"{nonce}\n"
    assert told["stderr"] == "err\n"
    assert told["exit_code"] == 0


async def test_sync_returns_what_goes_on_without_running_again(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/log", dag.cache_volume(nonce))
    done = await ready.with_exec(["sh", "-c", "echo ran >> /log/runs; echo x > /x"]).sync()
    assert await done.file("/x").contents() == "x\n"
    assert await output(done, "wc -l < /log/runs") == "1\n"


async def test_tarball_is_the_same_in_the_next_session(
    base: dagger.Container, samples: SampleImages, new_session: NewSession, nonce: str
) -> None:
    digest = await base.with_new_file("/n", nonce).as_tarball().digest()
    other = await new_session()
    again = other.container().from_(samples.busybox).with_new_file("/n", nonce)
    assert await again.as_tarball().digest() == digest


async def test_two_sessions_at_once_share_the_store(
    base: dagger.Container, samples: SampleImages, new_session: NewSession, nonce: str
) -> None:
    other = await new_session()
    theirs = other.container().from_(samples.busybox)
    async with anyio.create_task_group() as group:
        for number in range(4):
            for ready in (base, theirs):
                one = ready.with_env_variable("N", f"{nonce}{number}")
                group.start_soon(output, one, "head -c 100000 /dev/urandom > /big; sync /big")
    for ready in (base, theirs):
        await settle(ready.with_env_variable("N", nonce).with_exec(["true"]))
