"""What a command may not do, and what it must not reach."""

from __future__ import annotations

import http.server
import socket
import threading
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from tests.support.missing import missing
from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagger

DOCKERS_CAPABILITIES = "00000000a80425fb"


@pytest.fixture
def host_port() -> Iterator[int]:
    """The port of a web server on the loopback of the machine."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


async def test_root_has_dockers_capabilities_and_others_none(base: dagger.Container) -> None:
    script = "grep -E 'CapEff|CapBnd' /proc/self/status | cut -f2"
    assert (await output(base, script)).split() == [DOCKERS_CAPABILITIES] * 2
    effective, bounding = (await output(base.with_user("app"), script)).split()
    assert (effective, bounding) == ("0000000000000000", DOCKERS_CAPABILITIES)


async def test_insecure_root_capabilities_are_more(base: dagger.Container) -> None:
    done = base.with_exec(
        ["sh", "-c", "grep CapEff /proc/self/status | cut -f2"], insecure_root_capabilities=True
    )
    assert int(await done.stdout(), 16) & (1 << 21), "no CAP_SYS_ADMIN"


async def test_system_calls_are_filtered(base: dagger.Container) -> None:
    assert await output(base, "grep '^Seccomp:' /proc/self/status | cut -f2") == "2\n"


async def test_kernel_settings_are_read_only_and_secrets_of_the_kernel_masked(
    base: dagger.Container,
) -> None:
    script = (
        "echo 1 2>/dev/null > /proc/sys/kernel/panic || echo sys;"
        "mkdir /sys/fs/cgroup/x 2>/dev/null || echo cgroup;"
        "test $(head -c 10 /proc/kcore 2>/dev/null | wc -c) = 0 && echo kcore;"
        "echo b 2>/dev/null > /proc/sysrq-trigger || echo sysrq"
    )
    assert await output(base, script) == "sys\ncgroup\nkcore\nsysrq\n"


async def test_disks_of_the_host_are_no_devices_inside(base: dagger.Container) -> None:
    script = "ls /dev | grep -E '^(sd|vd|nvme|mem|kmem|port|loop)' | wc -l"
    assert await output(base, script) == "0\n"
    made = "mknod /d b 254 0 2>/dev/null; head -c 1 /d 2>/dev/null | wc -c"
    assert await output(base, made) == "0\n"


async def test_loopback_of_the_host_is_out_of_reach(
    base: dagger.Container, host_port: int, nonce: str
) -> None:
    ready = base.with_env_variable("N", nonce)
    # Every address that a gateway, a bridge or a user-mode network has on such networks.
    script = (
        "nets=$(ip -4 addr | sed -n 's/.*inet \\([0-9.]*\\)\\.[0-9]*\\/.*/\\1/p');"
        "names=$(sed -n 's/nameserver \\([0-9.]*\\)\\.[0-9]*$/\\1/p' /etc/resolv.conf);"
        "via=$(ip route | sed -n 's/.*via \\([0-9.]*\\).*/\\1/p'); some=$via;"
        'for n in $nets $names 10.0.2; do some="$some $n.1 $n.2 $n.3"; done;'
        "httpd -p 8099 -h /etc; nc -w 2 127.0.0.1 8099 < /dev/null && echo own;"
        f"for a in $some localhost; do nc -w 2 $a {host_port} < /dev/null && echo reached $a; done;"
        "echo tried"
    )
    assert await output(ready, script) == "own\ntried\n"


FETCH = "printf 'GET /group HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080 | grep -c root:x:0"


async def test_network_has_its_own_loopback_up(base: dagger.Container) -> None:
    assert await output(base, f"httpd -p 127.0.0.1:8080 -h /etc && {FETCH}") == "1\n"


async def test_two_commands_can_use_the_same_port_at_once(
    base: dagger.Container, nonce: str
) -> None:
    told: list[str] = []

    async def serve(number: int) -> None:
        ready = base.with_env_variable("N", f"{nonce}{number}")
        told.append(await output(ready, f"httpd -p 8080 -h /etc && sleep 0.5 && {FETCH}"))

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(serve, number)
    assert told == ["1\n"] * 3


async def test_outgoing_connections_reach_the_network(base: dagger.Container, nonce: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            missing("a network other than the loopback")
        address: str = probe.getsockname()[0]
    with socket.create_server((address, 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        ready = base.with_env_variable("N", nonce)
        script = f"echo hello | nc -w 5 {address} {port}"
        async with anyio.create_task_group() as group:
            group.start_soon(settle, shell(ready, script))
            connection, _ = await anyio.to_thread.run_sync(server.accept)
            with connection:
                assert await anyio.to_thread.run_sync(connection.recv, 100) == b"hello\n"


async def test_shared_memory_and_queues_are_not_the_hosts(base: dagger.Container) -> None:
    assert await output(base, "ls -A /dev/shm | wc -l") == "0\n"


async def test_new_files_are_made_with_the_usual_mask(base: dagger.Container) -> None:
    assert await output(base, "umask; touch /f; stat -c %a /f") == "0022\n644\n"


async def test_there_is_no_terminal(base: dagger.Container) -> None:
    assert await output(base, "test -t 0 || test -t 1 || test -t 2 || echo none") == "none\n"


async def test_host_environment_is_not_inherited(base: dagger.Container) -> None:
    text = await output(base, "env")
    names = {line.partition("=")[0] for line in text.splitlines()}
    assert not {"KEELWAY_STORE", "DAGGER_SESSION_TOKEN", "VIRTUAL_ENV", "PYTHONPATH"} & names
    assert "PATH" in names
