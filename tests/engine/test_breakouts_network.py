"""The host's loopback and its sockets without a name in a file: own network namespaces."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.engine.test_breakouts import perl
from tests.support.programs import with_perl
from tests.support.shell import output

if TYPE_CHECKING:
    import dagger

    from tests.support.raw_session import RawSession
    from tests.support.sample_images import SampleImages


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def inside(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container with perl."""
    return await with_perl(dag, dag.container().from_(samples.busybox)).sync()


async def test_engines_own_port_is_out_of_reach(
    base: dagger.Container, raw: RawSession, nonce: str
) -> None:
    script = (
        "me=$(ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\)\\.[0-9]*\\/.*/\\1/');"
        "ns=$(sed -n 's/nameserver //p' /etc/resolv.conf);"
        "for a in 127.0.0.1 $me.1 $ns ${ns%.*}.2 10.0.2.2 169.254.1.2 localhost; do "
        f"nc -w 2 $a {raw.port} </dev/null >/dev/null 2>&1 && echo reached $a; done; echo tried"
    )
    assert await output(base.with_env_variable("N", nonce), script) == "tried\n"


async def test_abstract_sockets_of_the_host_are_out_of_reach(
    inside: dagger.Container, nonce: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(f"\0keelway-{nonce}")
        listener.listen()
        script = (
            'socket(S, 1, 1, 0); print(connect(S, pack("S a*", 1, '
            f'"\\0keelway-{nonce}")) ? "reached" : "refused")'
        )
        assert await perl(inside, script) == "refused"


async def test_packets_that_name_the_hosts_loopback_get_nowhere(
    inside: dagger.Container, nonce: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(1.5)
        port = listener.getsockname()[1]
        # A raw socket writes the whole IP header, destination 127.0.0.1 on its way to the router.
        script = (
            "socket(S, 2, 3, 255) or die $!;"
            f'$u = pack("n4 a*", 9, {port}, 8 + 7, 0, "escaped");'
            '$p = pack("C2 n3 C2 n a4 a4 a*", 0x45, 0, 20 + length $u, 1, 0, 64, 17, 0,'
            ' "\\x7f\\0\\0\\1", "\\x7f\\0\\0\\1", $u);'
            'send(S, $p, 0, pack("S n a4 x8", 2, 0, "\\x7f\\0\\0\\1"));'
            f"print 'sent'; # {nonce}"
        )
        assert await perl(inside, script) == "sent"
        with pytest.raises(TimeoutError):
            listener.recv(100)


async def test_insecure_root_capabilities_do_not_reach_the_hosts_network(
    inside: dagger.Container, raw: RawSession, nonce: str
) -> None:
    script = (
        'socket(S, 2, 1, 0); print(connect(S, pack("S n a4 x8", 2, '
        f'{raw.port}, "\\x7f\\0\\0\\1")) ? "reached" : "refused"); # {nonce}'
    )
    assert await perl(inside, script, insecure=True) == "refused"
