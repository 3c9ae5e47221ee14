"""Killed at any moment, the engine leaves nothing behind, and the next run works."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.leftovers import host_interfaces, traces, wait_until
from tests.support.raw_session import RawSession, close_session, start_session

if TYPE_CHECKING:
    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")

CHAIN = """{{ container {{ from(address: "{image}") {{
  withExec(args: ["sh", "-c", "head -c 5000000 /dev/urandom > /half; echo {mark} > /started"]) {{
  withExec(args: ["sh", "-c", "{script}"]) {{ {leaf} }} }} }} }} }}"""


def query(samples: SampleImages, *, mark: str, script: str, leaf: str = "stdout") -> str:
    """Return a query that makes a layer and then runs a script."""
    return CHAIN.format(image=samples.busybox, mark=mark, script=script, leaf=leaf)


def kill_during(session: RawSession, text: str, *, marker: str, delay_s: float) -> None:
    """Send a query, wait until its command runs and a little more, and kill the engine."""
    assert session.process is not None
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = pool.submit(session.post, {"query": text})
        began = wait_until(lambda: bool(traces(marker).processes), seconds=30)
        time.sleep(delay_s)
        session.process.send_signal(signal.SIGKILL)
        session.process.wait(timeout=10)
        assert pending.exception(timeout=30) is not None
        assert began


def test_killed_engine_leaves_no_process_mount_or_interface(
    fresh_engine: Engine, samples: SampleImages, nonce: str
) -> None:
    interfaces = host_interfaces()
    session = start_session(fresh_engine)
    try:
        script = f"sleep 300; echo {nonce}"
        text = query(samples, mark=nonce, script=script)
        kill_during(session, text, marker=script, delay_s=0.3)
        store = fresh_engine.environment["KEELWAY_STORE"]
        assert wait_until(lambda: not traces(script), seconds=5), traces(script)
        assert wait_until(lambda: not traces(store), seconds=5), traces(store)
        assert wait_until(lambda: host_interfaces() <= interfaces, seconds=5)
    finally:
        close_session(session)


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.15, 0.4])
def test_next_run_after_a_kill_works_and_finds_no_half_layer(
    fresh_engine: Engine, samples: SampleImages, nonce: str, delay_s: float
) -> None:
    session = start_session(fresh_engine)
    try:
        script = f"wc -c < /half; cat /started; ls /late || sleep 20; echo {nonce}"
        text = query(samples, mark=nonce, script=script)
        kill_during(session, text, marker=nonce, delay_s=delay_s)
    finally:
        close_session(session)
    second = start_session(fresh_engine)
    try:
        good = query(samples, mark=nonce, script="wc -c < /half; cat /started")
        data = second.data(good)
        said = data["container"]["from"]["withExec"]["withExec"]["stdout"]
        assert said == f"5000000\n{nonce}\n"
        assert second.stop() == 0
    finally:
        close_session(second)


def holds(folder: Path, name: str) -> bool:
    """Return whether a file of this name is anywhere in a folder, which may be going meanwhile."""
    return any(name in files for _, _, files in os.walk(folder))


def test_next_start_removes_the_work_of_the_killed_engine(
    fresh_engine: Engine, samples: SampleImages, nonce: str
) -> None:
    store = Path(fresh_engine.environment["KEELWAY_STORE"])
    session = start_session(fresh_engine)
    try:
        # The shell would become its last command, and lose the words that it is known by.
        script = f"echo half-written > /half-{nonce}; sleep 300; true"
        text = query(samples, mark=nonce, script=script)
        kill_during(session, text, marker=script, delay_s=0.3)
    finally:
        close_session(session)
    second = start_session(fresh_engine)
    try:
        second.data("{ directory { entries } }")
        assert wait_until(lambda: not holds(store, f"half-{nonce}"), seconds=10)
    finally:
        close_session(second)


def test_closed_engine_leaves_no_process_mount_or_work(
    fresh_engine: Engine, samples: SampleImages, nonce: str
) -> None:
    store = fresh_engine.environment["KEELWAY_STORE"]
    session = start_session(fresh_engine)
    try:
        session.data(query(samples, mark=nonce, script="echo done"))
        assert session.stop() == 0
        assert wait_until(lambda: not traces(store), seconds=5), traces(store)
    finally:
        close_session(session)


def test_session_that_ends_during_an_exec_ends_the_exec(
    fresh_engine: Engine, samples: SampleImages, nonce: str
) -> None:
    session = start_session(fresh_engine)
    script = f"sleep 300; echo {nonce}"
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            text = query(samples, mark=nonce, script=script)
            pending = pool.submit(session.post, {"query": text})
            assert wait_until(lambda: bool(traces(script).processes), seconds=60)
            session.stop()
            pending.exception(timeout=30)
        assert wait_until(lambda: not traces(script), seconds=5), traces(script)
    finally:
        close_session(session)


def test_second_engine_on_the_store_does_not_disturb_the_first(
    fresh_engine: Engine, samples: SampleImages, nonce: str
) -> None:
    first, second = start_session(fresh_engine), start_session(fresh_engine)
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow = query(samples, mark=nonce, script="sleep 1; cat /started")
            pending = pool.submit(first.data, slow)
            wait_until(lambda: bool(traces("sleep 1; cat /started").processes), seconds=60)
            assert second.process is not None
            os.kill(second.process.pid, signal.SIGKILL)
            third = start_session(fresh_engine)
            try:
                third.data("{ directory { entries } }")
            finally:
                close_session(third)
            found = pending.result(timeout=60)
        assert found["container"]["from"]["withExec"]["withExec"]["stdout"] == f"{nonce}\n"
    finally:
        close_session(first)
        close_session(second)
