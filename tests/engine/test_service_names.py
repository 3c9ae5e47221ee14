"""Names of services: aliases, host names, and services that start after whoever asks for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import output, settle

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
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


def until(command: str) -> str:
    """Return a script that tries a command for a minute."""
    return f"for i in $(seq 60); do {command} 2>/dev/null && exit; usleep 200000; done; exit 1"


async def test_running_command_finds_a_service_that_starts_later(
    base: dagger.Container, nonce: str
) -> None:
    service = web(base, nonce).with_hostname(f"later-{nonce}")
    client = asyncio.create_task(output(base, f"echo; {until(page(f'later-{nonce}'))}"))
    await asyncio.sleep(1)
    service = await service.start()
    assert (await asyncio.wait_for(client, timeout=60)).strip() == nonce
    _ = await service.stop(kill=True)


async def test_running_service_finds_one_that_starts_later(
    base: dagger.Container, nonce: str
) -> None:
    wait = f"until {page(f'b-{nonce}')} >/found; do usleep 200000; done"
    script = f"{SERVE} & {wait}; wait"
    first = base.with_exposed_port(PORT).as_service(args=["sh", "-c", script])
    first = await first.with_hostname(f"a-{nonce}").start()
    second = await web(base, nonce).with_hostname(f"b-{nonce}").start()
    fetch = f"wget -qO- http://a-{nonce}:{PORT}/found | grep {nonce}"
    assert await output(base, until(fetch)) == f"{nonce}\n"
    for service in (first, second):
        _ = await service.stop(kill=True)


async def test_name_is_gone_with_the_service_and_back_with_it(
    base: dagger.Container, nonce: str
) -> None:
    service = web(base, nonce)
    host = await service.hostname()
    for number in range(2):
        service = await service.start()
        assert await output(base, f"{page(host)} # {number}") == nonce
        service = await service.stop(kill=True)
        assert await output(base, f"grep {host} /etc/hosts || echo gone # {number}") == "gone\n"


async def test_name_of_another_sessions_service_leads_nowhere(
    base: dagger.Container, new_session: NewSession, samples: SampleImages, nonce: str
) -> None:
    service = await web(base, nonce).with_hostname(f"mine-{nonce}").start()
    other = (await new_session()).container().from_(samples.busybox)
    assert await output(other, f"grep mine-{nonce} /etc/hosts || echo unknown") == "unknown\n"
    _ = await service.stop(kill=True)


async def test_binding_without_an_alias_has_the_host_name(
    base: dagger.Container, nonce: str
) -> None:
    one, two = web(base, f"1{nonce}"), web(base, f"2{nonce}")
    client = base.with_service_binding("", one).with_service_binding("", two)
    script = f"{page(await one.hostname())}; {page(await two.hostname())}"
    assert await output(client, script) == f"1{nonce}2{nonce}"


async def test_service_may_have_several_aliases(base: dagger.Container, nonce: str) -> None:
    service = web(base, nonce)
    client = base.with_service_binding("one", service).with_service_binding("two", service)
    assert await output(client, f"{page('one')}; {page('two')}") == f"{nonce}{nonce}"
    failing = base.as_service(args=["sh", "-c", f"exit 3 # {nonce}"])
    exposed = base.with_exposed_port(PORT).as_service(args=["sh", "-c", f"exit 3 # {nonce}"])
    for service, start in ((failing, "bound service"), (exposed, "start")):
        client = base.with_service_binding("one", service).with_service_binding("two", service)
        with pytest.raises(dagger.QueryError) as caught:
            await settle(client.with_exec(["sleep", "60"]))
        host = await service.hostname()
        assert str(caught.value).startswith((f"{start} {host} (aliased as one, two)", "start "))
        assert str(caught.value).endswith("exit code: 3")


@pytest.mark.parametrize("length", [64, 65, 200])
async def test_long_names_lead_to_the_service(
    base: dagger.Container, nonce: str, length: int
) -> None:
    label = nonce[:8].ljust(50, "x")
    name = ".".join([label] * 5)[:length].rstrip(".")
    service = web(base, nonce).with_hostname(name)
    assert await service.hostname() == name
    client = base.with_service_binding(f"alias-{name}"[:253], service)
    assert await output(client, f"{page(name)}; {page(f'alias-{name}')}") == f"{nonce}{nonce}"


async def test_service_finds_itself_by_its_name(base: dagger.Container, nonce: str) -> None:
    wait = f"until {page(f'self-{nonce}')} >/own; do usleep 200000; done"
    made = base.with_new_file("/index.html", nonce).with_exposed_port(PORT)
    service = made.as_service(args=["sh", "-c", f"{SERVE} & {wait}; wait"])
    service = await service.with_hostname(f"self-{nonce}").start()
    client = until(f"wget -qO- http://self-{nonce}:{PORT}/own | grep {nonce}")
    assert await output(base, client) == f"{nonce}\n"
    _ = await service.stop(kill=True)
