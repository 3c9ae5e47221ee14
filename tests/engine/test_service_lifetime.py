"""How long services live, and the ways between the host and containers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING

import dagger
import httpx
import pytest

from tests.support.raw_session import close_session, start_session
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

PORT = 8080
SERVE = f"httpd -f -p {PORT} -h /"


def web(base: dagger.Container, text: str) -> dagger.Service:
    """Return a web server whose one page says `text`."""
    made = base.with_new_file("/index.html", text).with_exposed_port(PORT)
    return made.as_service(args=SERVE.split())


def page(host: str) -> str:
    """Return the command that reads that page."""
    return f"wget -qO- http://{host}:{PORT}/"


def fetched(address: str) -> str:
    """Return that page as the host sees it."""
    with httpx.Client(trust_env=False, timeout=5) as client:
        return client.get(f"http://{address}/").text


def is_open(port: int) -> bool:
    """Tell whether somebody listens at a port of the host."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
        return True
    return False


def free_port() -> int:
    """Return a port of the host that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


# --- by name ---------------------------------------------------------------------------------


async def test_started_service_is_found_by_any_command(base: dagger.Container, nonce: str) -> None:
    service = await web(base, nonce).start()
    host = await service.hostname()
    assert await output(base, page(host)) == nonce
    _ = await service.stop()
    with pytest.raises(dagger.ExecError):
        await output(base, f"{page(host)} # again")


async def test_started_service_is_not_found_from_another_session(
    base: dagger.Container, new_session: NewSession, samples: SampleImages, nonce: str
) -> None:
    service = await web(base, nonce).start()
    other = (await new_session()).container().from_(samples.busybox)
    with pytest.raises(dagger.ExecError):
        await output(other, page(await service.hostname()))
    _ = await service.stop(kill=True)


async def test_started_service_runs_without_users_until_stopped(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    volume = dag.cache_volume(nonce)
    script = f"trap 'echo term >>/log/log; exit 0' TERM; {SERVE} & wait"
    made = base.with_new_file("/hello", "hello").with_mounted_cache("/log", volume)
    service = made.with_exposed_port(PORT).as_service(args=["sh", "-c", script])
    service = await service.start()
    _ = await service.start()  # twice is once
    host = await service.hostname()
    await asyncio.sleep(11)
    assert await output(base, f"wget -qO- http://{host}:{PORT}/hello # {nonce}") == "hello"
    before = await output(base.with_mounted_cache("/log", volume), "cat /log/log || echo none")
    assert before == "none\n"
    _ = await service.stop()
    after = await output(base.with_mounted_cache("/log", volume), "cat /log/log || echo no")
    assert after == "term\n"


async def test_kill_gives_no_time(base: dagger.Container, dag: dagger.Client, nonce: str) -> None:
    volume = dag.cache_volume(nonce)
    script = f"trap 'echo term >>/log/log; exit 0' TERM; {SERVE} & wait"
    made = base.with_mounted_cache("/log", volume).with_exposed_port(PORT)
    service = await made.as_service(args=["sh", "-c", script]).start()
    _ = await service.stop(kill=True)
    said = await output(base.with_mounted_cache("/log", volume), "cat /log/log || echo nothing")
    assert said == "nothing\n"


async def test_service_that_ignores_the_request_to_end_is_killed_by_a_second_stop(
    base: dagger.Container, nonce: str
) -> None:
    made = base.with_new_file("/index.html", nonce).with_exposed_port(PORT)
    script = f"trap 'echo Terminated >/signals' TERM; {SERVE} & while :; do wait; done"
    service = await made.as_service(args=["sh", "-c", script]).start()
    host = await service.hostname()
    asked = asyncio.create_task(service.stop())
    seen = f"until wget -qO- http://{host}:{PORT}/signals; do usleep 100000; done"
    assert await asyncio.wait_for(output(base, seen), timeout=30) == "Terminated\n"
    await asyncio.sleep(0.5)
    assert not asked.done()
    _ = await asyncio.wait_for(service.stop(kill=True), timeout=10)
    _ = await asyncio.wait_for(asked, timeout=10)


async def test_start_waits_for_the_end_of_the_one_that_is_stopped(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    volume = dag.cache_volume(nonce)
    script = (
        "echo start >>/log/log; trap 'sleep 1; echo end >>/log/log; exit 0' TERM; "
        f"{SERVE} & while :; do wait; done"
    )
    made = base.with_mounted_cache("/log", volume).with_exposed_port(PORT)
    service = await made.as_service(args=["sh", "-c", script]).start()
    stopped = asyncio.create_task(service.stop())
    await asyncio.sleep(0.3)
    _ = await service.start()
    _ = await stopped
    said = await output(base.with_mounted_cache("/log", volume), "cat /log/log")
    assert said == "start\nend\nstart\n"
    _ = await service.stop(kill=True)


async def test_two_clients_that_start_at_once_have_one_service(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    volume = dag.cache_volume(nonce)
    made = base.with_mounted_cache("/log", volume).with_exposed_port(PORT)
    service = made.as_service(args=["sh", "-c", f"echo start >>/log/log; exec {SERVE}"])
    _ = await asyncio.gather(*(service.start() for _ in range(4)))
    said = await output(base.with_mounted_cache("/log", volume), "cat /log/log")
    assert said == "start\n"
    _ = await service.stop(kill=True)


async def test_start_goes_on_when_its_client_gives_up(base: dagger.Container, nonce: str) -> None:
    made = base.with_new_file("/index.html", nonce).with_exposed_port(PORT)
    service = made.as_service(args=["sh", "-c", f"sleep 2; exec {SERVE}"])
    with pytest.raises(TimeoutError):
        _ = await asyncio.wait_for(service.start(), timeout=1)
    host = await service.hostname()
    wait = f"until {page(host)} 2>/dev/null; do usleep 100000; done"
    assert await asyncio.wait_for(output(base, wait), timeout=30) == nonce
    _ = await service.stop(kill=True)


async def test_stop_of_what_does_not_run_is_fine(base: dagger.Container, nonce: str) -> None:
    _ = await web(base, nonce).stop()


async def test_sync_does_not_start_a_service(base: dagger.Container, nonce: str) -> None:
    made = base.with_exposed_port(PORT)
    service = await made.as_service(args=["sh", "-c", f"exit 1 # {nonce}"]).sync()
    assert await service.hostname()


async def test_service_ends_ten_seconds_after_its_last_user(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    volume = dag.cache_volume(nonce)
    script = f"trap 'date +%s >/log/end; exit 0' TERM; {SERVE} & wait"
    made = base.with_mounted_cache("/log", volume).with_exposed_port(PORT)
    service = made.as_service(args=["sh", "-c", script])
    await settle(base.with_service_binding("s", service).with_exec(["true"]))
    left = time.time()
    logs = base.with_mounted_cache("/log", volume)
    said, number = "running\n", 0
    while said == "running\n" and number < 20:
        await asyncio.sleep(1)
        number += 1
        said = await output(logs, f"cat /log/end || echo running # {number}")
    assert 8 <= int(said) - left <= 13


async def test_locked_cache_is_held_while_a_service_runs(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    locked = dagger.CacheSharingMode.LOCKED
    cached = base.with_mounted_cache("/c", dag.cache_volume(nonce), sharing=locked)
    service = await cached.with_exposed_port(PORT).as_service(args=SERVE.split()).start()
    waiting = asyncio.create_task(output(cached, f"echo in # {nonce}"))
    done, _ = await asyncio.wait([waiting], timeout=2)
    assert not done
    _ = await service.stop()
    assert await asyncio.wait_for(waiting, timeout=20) == "in\n"


def test_end_of_the_session_ends_services_at_once(engine: Engine, samples: SampleImages) -> None:
    engine.require_local()
    session = start_session(engine)
    try:
        script = "trap '' TERM; while true; do sleep 1; done"
        words = f'["sh", "-c", "{script}"]'
        query = f'{{ container {{ from(address: "{samples.busybox}") {{ asService(args: {words}) '
        session.data(query + "{ start } } } }")
        begun = time.monotonic()
        assert session.stop() == 0
        assert time.monotonic() - begun < 5
    finally:
        close_session(session)
