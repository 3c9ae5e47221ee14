"""Cache volumes: what makes two the same, sharing, owners, seeds, and what they never do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import dagger
import pytest
from dagger import CacheSharingMode

from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages


async def test_contents_are_there_for_the_next_exec_and_other_chains(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce))
    await settle(shell(ready, f"echo {nonce} > /c/f"))
    assert await output(ready.with_env_variable("OTHER", "1"), "cat /c/f") == f"{nonce}\n"


async def test_contents_are_there_in_another_session(
    dag: dagger.Client,
    base: dagger.Container,
    samples: SampleImages,
    new_session: NewSession,
    nonce: str,
) -> None:
    await settle(shell(base.with_mounted_cache("/c", dag.cache_volume(nonce)), "echo x > /c/f"))
    other = await new_session()
    ready = other.container().from_(samples.busybox)
    ready = ready.with_mounted_cache("/c", other.cache_volume(nonce))
    assert await output(ready, "cat /c/f") == "x\n"


async def test_same_volume_has_the_same_id(dag: dagger.Client, nonce: str) -> None:
    assert await dag.cache_volume(nonce).id() == await dag.cache_volume(nonce).id()
    assert await dag.cache_volume(nonce).id() != await dag.cache_volume(f"{nonce}-2").id()


async def test_other_sharing_is_another_volume(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    volume = dag.cache_volume(nonce)
    await settle(shell(base.with_mounted_cache("/c", volume), "echo x > /c/f"))
    locked = base.with_mounted_cache("/c", volume, sharing=CacheSharingMode.LOCKED)
    assert await output(locked, "ls /c") == ""


async def test_volume_is_owned_as_asked_and_0755(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce), owner="app:staff")
    assert await output(ready, "stat -c '%a %u:%g' /c") == "755 1000:50\n"


async def test_source_seeds_a_new_volume_only(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    seed = dag.directory().with_new_file("seeded", "s")
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce), source=seed)
    assert await output(ready, "cat /c/seeded; rm /c/seeded") == "s"
    assert await output(ready.with_env_variable("N", nonce), "ls /c") == ""


async def test_locked_volume_serialises_execs(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce), sharing=CacheSharingMode.LOCKED)
    script = "mkdir /c/busy || exit 9; sleep 0.3; rmdir /c/busy; echo done >> /c/log"
    async with anyio.create_task_group() as group:
        for number in range(3):
            one = ready.with_env_variable("NUMBER", f"{number}")
            group.start_soon(settle, shell(one, script))
    assert await output(ready, "cat /c/log") == "done\n" * 3


async def test_shared_volume_lets_execs_run_together(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce))
    wait = "i=0; while [ ! -e /c/{other} ]; do sleep 0.05; i=$((i+1)); [ $i -lt 200 ]; done"
    async with anyio.create_task_group() as group:
        for mine, other in (("a", "b"), ("b", "a")):
            script = f"set -e; touch /c/{mine}; {wait.format(other=other)}"
            group.start_soon(settle, shell(ready, script))


async def test_contents_of_a_volume_make_no_cache_key(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce))
    first = await output(ready, "ls /c; head -c 8 /dev/urandom | od -An -tx1")
    await settle(shell(ready, "echo x > /c/f"))
    assert await output(ready, "ls /c; head -c 8 /dev/urandom | od -An -tx1") == first


async def test_volume_is_not_part_of_the_container(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    done = shell(base.with_mounted_cache("/c", dag.cache_volume(nonce)), "echo x > /c/f")
    assert await done.rootfs().exists("c") is False
    with pytest.raises(dagger.QueryError, match="f: cannot retrieve path from cache"):
        await settle(done.file("/c/f"))


async def test_other_mounts_may_sit_inside_a_volume(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce))
    ready = ready.with_mounted_file("/c/in/f", dag.file("f", "inner"))
    assert await output(ready, "echo x > /c/g; cat /c/in/f") == "inner"
    assert await output(base.with_mounted_cache("/c", dag.cache_volume(nonce)), "cat /c/g") == "x\n"


async def test_writes_of_a_failed_exec_stay_in_the_volume(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_cache("/c", dag.cache_volume(nonce))
    with pytest.raises(dagger.ExecError):
        await settle(shell(ready, "echo x > /c/f; exit 1"))
    assert await output(ready, "cat /c/f") == "x\n"


async def test_owner_by_name_is_the_owner_by_ids(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    volume = dag.cache_volume(nonce)
    await settle(shell(base.with_mounted_cache("/c", volume, owner="app:staff"), "echo x > /c/f"))
    same = base.with_mounted_cache("/c", volume, owner="1000:50")
    assert await output(same, "cat /c/f") == "x\n"
    other = base.with_mounted_cache("/c", volume, owner="1000")
    assert await output(other, "ls /c") == ""
    with pytest.raises(dagger.QueryError, match="no such user: nobody-here"):
        await settle(base.with_mounted_cache("/c", volume, owner="nobody-here"))
