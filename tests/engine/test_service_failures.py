"""Services that fail: before they are healthy, while a command uses them, or never quite."""

from __future__ import annotations

import asyncio

import dagger
import pytest

from tests.support.shell import output, settle, shell

PORT = 8080
SERVE = f"httpd -f -p {PORT} -h /"


def serving(base: dagger.Container, script: str) -> dagger.Service:
    """Return a service with a port that runs a script."""
    return base.with_exposed_port(PORT).as_service(args=["sh", "-c", script])


async def test_exit_before_healthy_is_an_exec_error(base: dagger.Container, nonce: str) -> None:
    script = f"echo out {nonce}; echo err >&2; exit 7"
    service = serving(base, script)
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_service_binding("db", service).with_exec(["true"]))
    error = caught.value
    assert str(error) == f"start {await service.hostname()} (aliased as db): exit code: 7"
    assert (error.exit_code, error.command) == (7, ["sh", "-c", script])
    assert (error.stdout, error.stderr) == (f"out {nonce}\n", "err\n")


async def test_start_tells_why_it_failed(base: dagger.Container, nonce: str) -> None:
    service = serving(base, f"echo {nonce} >&2; exit 3")
    with pytest.raises(dagger.ExecError) as caught:
        _ = await service.start()
    assert str(caught.value) == "exit code: 3"
    assert caught.value.stderr == f"{nonce}\n"


async def test_tunnel_tells_why_its_service_failed(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    service = serving(base, f"exit 3 # {nonce}")
    with pytest.raises(dagger.ExecError) as caught:
        _ = await dag.host().tunnel(service).start()
    assert str(caught.value) == "start upstream: exit code: 3"
    with pytest.raises(dagger.ExecError) as caught:
        await service.up(random=True)
    assert str(caught.value) == "failed to start host service: start upstream: exit code: 3"


async def test_exit_without_an_error_before_healthy_is_no_exec_error(
    base: dagger.Container, nonce: str
) -> None:
    service = serving(base, f"exit 0 # {nonce}")
    with pytest.raises(dagger.QueryError, match="service exited before healthcheck") as caught:
        _ = await service.start()
    assert not isinstance(caught.value, dagger.ExecError)


async def test_service_ends_with_the_one_that_it_needs(base: dagger.Container, nonce: str) -> None:
    deep = base.as_service(args=["sh", "-c", f"sleep 1; exit 42 # {nonce}"])
    outer = base.with_service_binding("dep", deep).as_service(args=["sleep", "100"])
    client = base.with_service_binding("app", outer)
    with pytest.raises(dagger.QueryError) as caught:
        await asyncio.wait_for(output(client, "sleep 100"), timeout=30)
    assert str(caught.value) == (
        f"bound service {await outer.hostname()} (aliased as app) exited: "
        f"bound service {await deep.hostname()} (aliased as dep) exited: exit code: 42"
    )


async def test_services_of_a_command_start_side_by_side(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    # Each waits for the other before it serves: in turn, neither would ever be healthy.
    cached = base.with_mounted_cache("/met", dag.cache_volume(nonce))

    def meeting(own: str, other: str) -> dagger.Service:
        wait = f"until test -e /met/{other}; do usleep 50000; done"
        return serving(cached, f"touch /met/{own}; {wait}; exec {SERVE}")

    client = base.with_service_binding("a", meeting("a", "b"))
    client = client.with_service_binding("b", meeting("b", "a"))
    assert await asyncio.wait_for(output(client, "echo there"), timeout=30) == "there\n"


async def test_failed_start_is_tried_again(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    script = f"test -e /seen/once || {{ touch /seen/once; exit 9; }}; exec {SERVE}"
    cached = base.with_mounted_cache("/seen", dag.cache_volume(nonce))
    service = serving(cached, script)
    with pytest.raises(dagger.ExecError, match="exit code: 9"):
        _ = await service.start()
    _ = await service.start()
    _ = await service.stop(kill=True)


async def test_command_that_is_missing_is_told(base: dagger.Container) -> None:
    service = base.with_exposed_port(PORT).as_service(args=["/no/such/program"])
    with pytest.raises(dagger.ExecError) as caught:
        _ = await service.start()
    assert caught.value.exit_code == 127
    assert "/no/such/program" in caught.value.stderr


async def test_secret_in_a_failing_service_is_masked(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    secret = dag.set_secret(f"n{nonce}", f"value-{nonce}")
    service = serving(base.with_secret_variable("S", secret), "echo got $S; exit 1")
    with pytest.raises(dagger.ExecError) as caught:
        _ = await service.start()
    assert caught.value.stdout == "got ***\n"


async def test_failure_deep_below_names_the_way_there(base: dagger.Container, nonce: str) -> None:
    deep = serving(base, f"exit 5 # {nonce}")
    outer = serving(base.with_service_binding("deep", deep), SERVE)
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_service_binding("outer", outer).with_exec(["true"]))
    assert caught.value.exit_code == 5
    assert "(aliased as outer): start dependent services: start " in str(caught.value)
    assert str(caught.value).endswith("(aliased as deep): exit code: 5")


async def test_build_of_a_service_fails_as_itself(base: dagger.Container, nonce: str) -> None:
    service = serving(shell(base, f"exit 4 # {nonce}"), SERVE)
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_service_binding("s", service).with_exec(["true"]))
    assert str(caught.value) == "exit code: 4"


async def test_port_that_never_opens_is_waited_for(base: dagger.Container, nonce: str) -> None:
    service = serving(base, f"exec sleep 600 # {nonce}")
    with pytest.raises(TimeoutError):
        _ = await asyncio.wait_for(service.start(), timeout=2)
    stopped = await asyncio.wait_for(service.stop(kill=True), timeout=10)
    assert await stopped.hostname()


async def test_port_that_opens_late_is_waited_for(base: dagger.Container, nonce: str) -> None:
    service = serving(base, f"sleep 1; echo {nonce} >/index.html; exec {SERVE}")
    client = base.with_service_binding("s", service)
    assert await output(client, f"wget -qO- http://s:{PORT}/") == f"{nonce}\n"


async def test_port_with_the_skip_flag_is_not_waited_for(
    base: dagger.Container, nonce: str
) -> None:
    made = base.with_exposed_port(PORT, experimental_skip_healthcheck=True)
    service = made.as_service(args=["sh", "-c", f"exec sleep 600 # {nonce}"])
    client = base.with_service_binding("s", service)
    assert await asyncio.wait_for(output(client, "echo there"), timeout=20) == "there\n"


async def test_service_without_ports_is_ready_when_it_runs(
    base: dagger.Container, nonce: str
) -> None:
    service = base.as_service(args=["sh", "-c", f"exec sleep 600 # {nonce}"])
    client = base.with_service_binding("s", service)
    assert await output(client, "echo there") == "there\n"


async def test_command_ends_with_its_service(base: dagger.Container, nonce: str) -> None:
    service = serving(base, f"{SERVE} & sleep 1; exit 6 # {nonce}")
    client = base.with_service_binding("db", service)
    with pytest.raises(dagger.QueryError) as caught:
        await asyncio.wait_for(output(client, "sleep 100"), timeout=30)
    host = await service.hostname()
    assert str(caught.value) == f"bound service {host} (aliased as db) exited: exit code: 6"
    assert not isinstance(caught.value, dagger.ExecError)


async def test_service_that_died_is_started_anew(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    cached = base.with_mounted_cache("/seen", dag.cache_volume(nonce))
    service = serving(cached, f"echo x >>/seen/starts; {SERVE} & sleep 0.7; kill $!")
    client = base.with_service_binding("s", service)
    with pytest.raises(dagger.QueryError, match="bound service"):
        await output(client, "sleep 100")
    looked = base.with_mounted_cache("/seen", dag.cache_volume(nonce))
    looked = looked.with_service_binding("s", service)
    assert await output(looked, "wc -l </seen/starts") == "2\n"


async def test_stop_ends_the_commands_that_use_it(base: dagger.Container, nonce: str) -> None:
    service = serving(base, f"exec {SERVE} # {nonce}")
    client = asyncio.create_task(output(base.with_service_binding("s", service), "sleep 100"))
    _ = await service.start()
    await asyncio.sleep(1)
    _ = await service.stop()
    with pytest.raises(dagger.QueryError, match="bound service"):
        await asyncio.wait_for(client, timeout=20)


async def test_cache_that_command_and_service_both_lock_is_refused(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    locked = dagger.CacheSharingMode.LOCKED
    cached = base.with_mounted_cache("/c", dag.cache_volume(nonce), sharing=locked)
    client = cached.with_service_binding("s", serving(cached, f"exec {SERVE}"))
    with pytest.raises(dagger.QueryError, match="both lock the same cache"):
        await asyncio.wait_for(output(client, "true"), timeout=10)


# --- a check in place of the ports -----------------------------------------------------------


async def test_health_check_is_asked_in_place_of_the_port(
    base: dagger.Container, nonce: str
) -> None:
    made = base.with_docker_healthcheck(["test", "-e", "/ready"], interval="200ms", retries=50)
    service = serving(made, f"sleep 1; touch /ready; exec sleep 600 # {nonce}")
    client = base.with_service_binding("s", service)
    assert await asyncio.wait_for(output(client, "echo there"), timeout=20) == "there\n"


async def test_health_check_in_shell_form_sees_the_environment(
    base: dagger.Container, nonce: str
) -> None:
    made = base.with_env_variable("WORD", nonce)
    made = made.with_docker_healthcheck(  # noqa: S604 - in the container
        [f'test "$WORD" = {nonce} && test $(hostname) != dagger'], shell=True, retries=1
    )
    service = serving(made, "exec sleep 600")
    started = await asyncio.wait_for(service.start(), timeout=20)
    _ = await started.stop(kill=True)


async def test_health_check_that_fails_too_often_is_an_exec_error(
    base: dagger.Container, nonce: str
) -> None:
    script = f"echo {nonce}; echo x >>/asked; test $(wc -l </asked) -gt 2 && exit 8; exit 9"
    made = base.with_docker_healthcheck(["sh", "-c", script], interval="100ms", retries=3)
    service = serving(made, "exec sleep 600")
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_service_binding("db", service).with_exec(["true"]))
    host = await service.hostname()
    assert str(caught.value) == (
        f"start {host} (aliased as db): health check errored: exit code: 8"
    )
    assert (caught.value.exit_code, caught.value.stdout) == (8, f"{nonce}\n")


async def test_failures_of_the_start_period_do_not_count(
    base: dagger.Container, nonce: str
) -> None:
    made = base.with_docker_healthcheck(
        ["test", "-e", "/ready"],
        interval="100ms",
        retries=1,
        start_period="20s",
        start_interval="100ms",
    )
    service = serving(made, f"sleep 1; touch /ready; exec sleep 600 # {nonce}")
    started = await asyncio.wait_for(service.start(), timeout=15)
    _ = await started.stop(kill=True)
