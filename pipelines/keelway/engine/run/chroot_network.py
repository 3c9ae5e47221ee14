"""The network of a session that can have none of its own: the host's, with an address for each.

Commands share the host's network. Each gets an address of the loopback network for itself, under
which others find it: a service that listens on all addresses, or on its own name, is reached there,
and two services that name their address may have the same port. Two that listen on all addresses
can't, and what they listen on is open to the host.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import shutil
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run.bundle import HOSTS, hosts_text
from keelway.engine.run.datagrams import bound_datagrams, connected_datagrams
from keelway.engine.run.names import Names
from keelway.engine.run.spec import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BITS: Final = 12
"""Of an address, for the commands of one session; the rest tells sessions apart."""
_FIRST: Final = int(ipaddress.IPv4Address("127.64.0.0"))
_SESSIONS: Final = 1 << 10


def _somewhere() -> int:
    return _FIRST + (secrets.randbelow(_SESSIONS) << _BITS)


@dataclass(slots=True)
class Loopbacks:
    """The addresses of one session."""

    shares_ports: bool = True
    names: Names = field(default_factory=Names)
    """What commands find by name, at any time."""
    _start: int = field(default_factory=_somewhere)
    _free: list[Endpoint] = field(default_factory=list[Endpoint])
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self) -> Endpoint:
        """Return an address for one command.

        Raises:
            EngineError: There are no more.
        """
        with self._lock:
            if self._free:
                return self._free.pop(0)
            self._count += 1
            if self._count >> _BITS:
                raise EngineError(f"a session has {self._count - 1} addresses and no more")
            address = str(ipaddress.IPv4Address(self._start + self._count))
        return Endpoint(ns_path="", address=address)

    def release(self, endpoint: Endpoint, *, reuse: bool = True) -> None:
        """Take an address back."""
        if reuse:
            with self._lock:
                self._free.append(endpoint)

    def dial(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connection to an address.

        Raises:
            OSError: Nobody answers there.
        """
        return socket.create_connection((address, port), timeout_s)

    def dial_datagrams(self, address: str, port: int) -> socket.socket:
        """Return a UDP socket that speaks to an address."""
        return connected_datagrams(address, port)

    def listen(self, endpoint: Endpoint, port: int, *, host: str | None = None) -> socket.socket:
        """Return a listening socket at an address, or at another one of the host.

        Raises:
            OSError: The port is taken.
        """
        return socket.create_server((host or endpoint.address or "", port))

    def listen_datagrams(self, endpoint: Endpoint, port: int) -> socket.socket:
        """Return a UDP socket at an address.

        Raises:
            OSError: The port is taken.
        """
        return bound_datagrams(endpoint.address or "", port)

    def starter(self, folder: Path, hosts: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words that start a program where it finds services by name.

        proot shows it another `/etc/hosts`; it is told to reach these names without a proxy.

        Raises:
            EngineError: proot is not installed.
        """
        proot = shutil.which("proot")
        if proot is None:
            raise EngineError(
                "isolation chroot needs proot for programs that reach a service by its name, as "
                "git and skopeo do (apt-get install proot)"
            )
        file = folder / "hosts"
        file.write_text(hosts_text(None, socket.gethostname(), hosts))
        spared = [
            f"{name}={','.join(filter(None, (os.environ.get(name), *hosts)))}"
            for name in ("no_proxy", "NO_PROXY")
        ]
        return ("env", *spared, proot, "-b", f"{file}:{HOSTS}")

    def close(self) -> None:
        """Do nothing: addresses are only numbers."""
