"""Services: what one runs, who finds it, and under which names."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages

PORT = 8080


SERVE = f"httpd -f -p {PORT}"


def web(base: dagger.Container, text: str) -> dagger.Service:
    """Return a web server whose one page says `text`."""
    return (
        base.with_new_file("/srv/index.html", text)
        .with_workdir("/srv")
        .with_exposed_port(PORT)
        .as_service(args=SERVE.split())
    )


def page(host: str) -> str:
    """Return the command that reads that page."""
    return f"wget -qO- http://{host}:{PORT}/"


# --- what runs -------------------------------------------------------------------------------


def told(base: dagger.Container, service: dagger.Service) -> dagger.Container:
    """Return the container after it asked a service, started by `speaking`, what it was told."""
    return shell(base.with_service_binding("s", service), page("s"))


def speaking(base: dagger.Container) -> dagger.Container:
    """Return a container whose program `/speak` tells its arguments to whoever connects."""
    script = f'#!/bin/sh\necho "$0 $*" >/index.html\nexec {SERVE} -h /\n'
    return base.with_new_file("/speak", script, permissions=0o755).with_exposed_port(PORT)


async def test_service_runs_the_arguments_alone(base: dagger.Container) -> None:
    service = speaking(base).with_entrypoint(["/bin/false"]).as_service(args=["/speak", "given"])
    assert await told(base, service).stdout() == "/speak given\n"


async def test_service_runs_the_entrypoint_before_arguments_when_asked(
    base: dagger.Container,
) -> None:
    made = speaking(base).with_entrypoint(["/speak", "first"])
    service = made.as_service(args=["given"], use_entrypoint=True)
    assert await told(base, service).stdout() == "/speak first given\n"


async def test_service_without_arguments_runs_the_entrypoint(base: dagger.Container) -> None:
    service = speaking(base).with_entrypoint(["/speak", "alone"]).as_service()
    assert await told(base, service).stdout() == "/speak alone\n"


async def test_default_args_replace_the_entrypoint(base: dagger.Container) -> None:
    made = speaking(base).with_entrypoint(["/bin/false"]).with_default_args(["/speak", "default"])
    assert await told(base, made.as_service()).stdout() == "/speak default\n"


async def test_entrypoint_stands_before_default_args_when_asked(base: dagger.Container) -> None:
    made = speaking(base).with_entrypoint(["/speak"]).with_default_args(["both"])
    assert await told(base, made.as_service(use_entrypoint=True)).stdout() == "/speak both\n"


async def test_entrypoint_that_clears_the_default_args_counts_again(
    base: dagger.Container,
) -> None:
    made = speaking(base).with_default_args(["/bin/false"]).with_entrypoint(["/speak", "last"])
    assert await told(base, made.as_service()).stdout() == "/speak last\n"


async def test_service_without_a_command_is_an_error(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="no service command has been set"):
        _ = await base.without_default_args().as_service().start()


async def test_arguments_are_expanded_when_asked(base: dagger.Container) -> None:
    made = speaking(base).with_env_variable("WORD", "hello")
    service = made.as_service(args=["/speak", "$WORD"], expand=True)
    assert await told(base, service).stdout() == "/speak hello\n"


async def test_service_has_environment_user_and_mounts(base: dagger.Container) -> None:
    folder = base.with_new_file("/made/file", "mounted").directory("/made")
    made = (
        base.with_exposed_port(PORT)
        .with_env_variable("NAME", "value")
        .with_mounted_directory("/data", folder, owner="app")
        .with_user("app")
    )
    script = f'echo "$NAME $(id -un) $(cat /data/file)" >/data/index.html; exec {SERVE} -h /data'
    service = made.as_service(args=["sh", "-c", script])
    assert await told(base, service).stdout() == "value app mounted\n"


async def test_secret_reaches_a_service(base: dagger.Container, dag: dagger.Client) -> None:
    made = base.with_exposed_port(PORT).with_secret_variable("TOKEN", dag.set_secret("t", "s3cr"))
    script = f'echo "${{#TOKEN}}" >/index.html; exec {SERVE} -h /'
    service = made.as_service(args=["sh", "-c", script])
    assert await told(base, service).stdout() == "4\n"


# --- names and ports -------------------------------------------------------------------------


async def test_alias_and_hostname_lead_to_the_service(base: dagger.Container, nonce: str) -> None:
    service = web(base, nonce)
    host = await service.hostname()
    client = base.with_service_binding("web", service)
    assert await output(client, f"{page('web')}; echo; {page(host)}") == f"{nonce}\n{nonce}"


async def test_hostname_is_the_definition_in_every_session(
    base: dagger.Container, new_session: NewSession, samples: SampleImages
) -> None:
    other = await new_session()
    again = other.container().from_(samples.busybox)
    one = await web(base, "same").hostname()
    assert one == await web(again, "same").hostname()
    assert one != await web(base, "other").hostname()
    assert re.fullmatch(r"[a-z0-9]+", one)


async def test_with_hostname_gives_the_name(base: dagger.Container, nonce: str) -> None:
    service = web(base, nonce).with_hostname("named")
    assert await service.hostname() == "named"
    client = base.with_service_binding("other", service)
    assert await output(client, page("named")) == nonce


@pytest.mark.parametrize("name", ["two words", "line\nbreak", "-dash", "x" * 254])
async def test_alias_that_is_no_host_name_is_refused(base: dagger.Container, name: str) -> None:
    with pytest.raises(dagger.QueryError, match="no host name"):
        await settle(base.with_service_binding(name, web(base, "x")).with_exec(["true"]))


async def test_endpoint_is_host_and_port_or_a_url(base: dagger.Container) -> None:
    service = web(base, "x")
    host = await service.hostname()
    assert await service.endpoint() == f"{host}:{PORT}"
    assert await service.endpoint(port=99, scheme="tcp") == f"tcp://{host}:99"


async def test_port_of_the_image_is_no_service_port(
    dag: dagger.Client, samples: SampleImages
) -> None:
    image = dag.container().from_(samples.configured)
    service = image.as_service(args=["sleep", "60"])
    assert await service.ports() == []
    with pytest.raises(dagger.QueryError, match="no ports"):
        await service.endpoint()
    again = image.with_exposed_port(8080).as_service(args=["sleep", "60"])
    assert await again.endpoint() == f"{await again.hostname()}:8080"


async def test_ports_are_those_that_were_exposed(base: dagger.Container) -> None:
    made = base.with_exposed_port(80).with_exposed_port(53, protocol=dagger.NetworkProtocol.UDP)
    ports = await made.as_service(args=["sleep", "60"]).ports()
    found = [(await port.port(), await port.protocol()) for port in ports]
    assert found == [(80, dagger.NetworkProtocol.TCP), (53, dagger.NetworkProtocol.UDP)]


# --- who is bound ----------------------------------------------------------------------------


async def test_binding_carries_over_to_later_commands(base: dagger.Container, nonce: str) -> None:
    first = base.with_service_binding("web", web(base, nonce)).with_exec(["true"])
    assert await output(first, page("web")) == nonce


async def test_file_that_a_command_made_starts_its_services(
    base: dagger.Container, nonce: str
) -> None:
    client = base.with_service_binding("web", web(base, nonce))
    made = shell(client, f"{page('web')} >/made").file("/made")
    assert await base.with_file("/taken", made).with_exec(["cat", "/taken"]).stdout() == nonce


async def test_two_services_are_there_at_once(base: dagger.Container, nonce: str) -> None:
    client = base.with_service_binding("one", web(base, f"1{nonce}"))
    client = client.with_service_binding("two", web(base, f"2{nonce}"))
    assert await output(client, f"{page('one')}; {page('two')}") == f"1{nonce}2{nonce}"


async def test_same_alias_means_the_newer_service(base: dagger.Container, nonce: str) -> None:
    client = base.with_service_binding("web", web(base, "older"))
    client = client.with_service_binding("web", web(base, nonce))
    assert await output(client, page("web")) == nonce


async def test_service_of_a_service_is_started_first(base: dagger.Container, nonce: str) -> None:
    script = f"{page('deep')} >/index.html && exec {SERVE} -h /"
    outer = (
        base.with_service_binding("deep", web(base, nonce))
        .with_exposed_port(PORT)
        .as_service(args=["sh", "-c", script])
    )
    client = base.with_service_binding("outer", outer)
    assert await output(client, page("outer")) == nonce
    with pytest.raises(dagger.ExecError):  # what the service is bound to, its client is not
        await output(client, f"{page('deep')} # {nonce}")


async def test_commands_are_cached_by_the_service(base: dagger.Container, nonce: str) -> None:
    def stamp(service: dagger.Service) -> dagger.Container:
        return shell(
            base.with_service_binding("web", service), f"head -c 8 /dev/urandom | md5sum # {nonce}"
        )

    first = await stamp(web(base, "a")).stdout()
    assert await stamp(web(base, "a")).stdout() == first
    assert await stamp(web(base, "b")).stdout() != first


async def test_command_without_binding_is_another_step(base: dagger.Container, nonce: str) -> None:
    script = f"grep -cw web /etc/hosts # {nonce}"
    client = base.with_service_binding("web", web(base, nonce))
    assert await output(client, script) == "1\n"
    with pytest.raises(dagger.ExecError):
        await output(base, script)


# --- one instance ----------------------------------------------------------------------------


def counting(base: dagger.Container, dag: dagger.Client, nonce: str) -> dagger.Service:
    """Return a service that notes each of its starts in the cache volume `nonce`."""
    script = f"echo start >>/count/index.html; exec {SERVE} -h /count"
    return (
        base.with_mounted_cache("/count", dag.cache_volume(nonce))
        .with_exposed_port(PORT)
        .as_service(args=["sh", "-c", script])
    )


async def test_clients_at_once_share_one_instance(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    async def ask(number: int) -> str:
        service = counting(base, dag, nonce)
        client = base.with_service_binding("s", service).with_env_variable("N", str(number))
        return await output(client, f"sleep 0.3; {page('s')}")

    assert await asyncio.gather(*(ask(number) for number in range(4))) == ["start\n"] * 4


async def test_next_command_finds_the_same_instance(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    for number in range(3):
        client = base.with_service_binding("s", counting(base, dag, nonce))
        found = await output(client, f"{page('s')} # {number}")
        assert found == "start\n"


async def test_what_a_service_writes_is_thrown_away(base: dagger.Container, nonce: str) -> None:
    script = f'test -e /index.html && exit 3; echo "{nonce}" >/index.html; exec {SERVE} -h /'
    made = base.with_exposed_port(PORT)
    service = made.as_service(args=["sh", "-c", script])
    _ = await service.start()
    _ = await service.stop(kill=True)
    client = base.with_service_binding("s", service)
    assert await output(client, page("s")) == f"{nonce}\n"
