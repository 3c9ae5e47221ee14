"""What a machine lacks is told to the client, and by `doctor`, in the same words."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.engines import Engine, sdk_session
from tests.support.missing import need
from tests.support.raw_session import raw_session
from tests.support.shell import settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sample_images import SampleImages

ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def own_engine(engine: Engine) -> None:
    """Skip these cases where the engine is another's."""
    engine.require_local()


def run(engine: Engine, *arguments: str) -> str:
    """Return what a command of the engine's writes, whatever its exit code."""
    done = subprocess.run(
        [str(engine.program), *arguments],
        env={**os.environ, **engine.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def told(engine: Engine) -> str:
    """Return what a client hears of an engine that can do nothing."""
    with raw_session(engine) as session:
        message: str = session.error("{ directory { entries } }")["message"]
        return message


def programs(folder: Path, *names: str) -> str:
    """Return a PATH that has these programs and no others."""
    for name in names:
        (folder / name).symlink_to(need(name, package=name))
    return str(folder)


def test_no_container_runtime(engine: Engine, tmp_path: Path) -> None:
    names = () if ROOT else ("newuidmap", "newgidmap")
    without = engine.with_environment(PATH=programs(tmp_path, *names))
    message = "no container runtime works on this machine (crun: not installed; runc: not installed"
    assert message in told(without)
    assert message in run(without, "doctor")


def test_what_maps_ids_is_needed_by_users_alone(engine: Engine, tmp_path: Path) -> None:
    without = engine.with_environment(PATH=programs(tmp_path, "crun"))
    if ROOT:
        with raw_session(without) as session:
            assert session.data("{ directory { entries } }") == {"directory": {"entries": []}}
        return
    message = "newuidmap is not on the PATH, which maps the ids of an ordinary user; install it"
    assert message in told(without)
    assert message in run(without, "doctor")


def test_what_is_there_is_said_too(engine: Engine) -> None:
    lines = run(engine, "doctor").splitlines()
    found = {line[8:].partition(":")[0]: line for line in lines}
    for name in ("sandbox", "overlay", "runtime", "network"):
        assert found[name].startswith("ok "), found[name]
    by = "/dev/net/tun" if os.access("/dev/net/tun", os.W_OK) else "by a packet socket"
    assert by in found["network"]


async def test_store_can_be_removed_by_its_user(
    fresh_engine: Engine, samples: SampleImages
) -> None:
    """Ids that are the user's only in the sandbox own files in it, until it is pruned."""
    script = "mkdir -m 700 /data/d /x && touch /data/d/f /x/f && chown -R 1000:1000 /data/d /x"
    async with sdk_session(fresh_engine) as client:
        base = client.container().from_(samples.busybox)
        cached = base.with_mounted_cache("/data", client.cache_volume("owned"))
        await settle(cached.with_exec(["sh", "-c", script]))
    assert "cache volume" in run(fresh_engine, "du")
    assert "0 B stay" in run(fresh_engine, "prune", "--all")
    shutil.rmtree(fresh_engine.environment["KEELWAY_STORE"])
