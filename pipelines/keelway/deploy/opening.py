"""The hosts of a target, reached: this machine, or one SSH connection to each of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.host import LocalHost
from keelway.deploy.layout import Layout

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from keelway.deploy.host import Host
    from keelway.deploy.lock import Place
    from keelway.deploy.ssh_host import SshHost
    from keelway.deploy.target import HostPlace, HostsSpec

ReadSecret = Callable[[str, str], Awaitable[str]]
"""Returns the value of a secret's source; the second word says what it is, for errors."""


@asynccontextmanager
async def open_hosts(spec: HostsSpec, read: ReadSecret) -> AsyncGenerator[tuple[Place, ...]]:
    """Give all hosts of a target, each reached and its key checked, until the end of the block.

    Raises:
        HostError: One does not answer, shows another key, or does not let anybody in.
        PlanError: A secret cannot be read.
    """
    from keelway.deploy.ssh_host import SshAccess, SshHost  # noqa: PLC0415 - not for a plan

    ssh = spec.ssh
    key = await read(ssh.key, "ssh_key") if ssh.key else None
    password = await read(ssh.key_password, "ssh_key_password") if ssh.key_password else None
    names = host_names(spec.places)
    async with AsyncExitStack() as stack:
        hosts: list[Host] = []
        connecting: list[SshHost] = []
        for place, name in zip(spec.places, names, strict=True):
            if place.address.host is None:
                hosts.append(LocalHost(name))
                continue
            access = SshAccess(
                address=place.address,
                known_hosts=ssh.known_hosts,
                key=key,
                key_password=password,
                connect_timeout_s=ssh.connect_timeout_s,
            )
            host = SshHost(access, name)
            stack.push_async_callback(host.close)
            connecting.append(host)
            hosts.append(host)
        await each(SshHost.connect, connecting)
        layouts = (Layout(place.folder) for place in spec.places)
        yield tuple(zip(hosts, layouts, strict=True))


def host_names(places: tuple[HostPlace, ...]) -> list[str]:
    """Return what people call the hosts: with their folders where one machine is there twice."""
    names = [_name(place) for place in places]
    often = Counter(names)
    return [
        name if often[name] == 1 else f"{name}:{place.folder}"
        for name, place in zip(names, places, strict=True)
    ]


def _name(place: HostPlace) -> str:
    if place.address.host is None:
        return "this machine"
    return str(place.address).removeprefix("ssh://").rpartition("@")[2]
