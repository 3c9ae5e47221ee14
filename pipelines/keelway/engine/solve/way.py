"""The way from the engine to a service: for what it fetches and pushes itself.

with way_to(solver, node, alias="registry") as way:
    skopeo(...)  # started by `way.words`, finds the service as a container would
"""

from __future__ import annotations

import contextlib
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.run import inside
from keelway.engine.run.bundle import hosts_text, network_resolv_text

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from keelway.engine.graph.node import Node
    from keelway.engine.run.network import Network
    from keelway.engine.solve.solver import Solver


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a running service is reached, for as long as it is held."""

    network: Network
    hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    words: tuple[str, ...] = ()
    """What stands before the command of a program that is to find the service."""

    def dial(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Return a connection, to the service or to wherever else the host leads.

        Raises:
            OSError: Nobody answers there.
        """
        address = self.hosts.get(host.lower())
        if address is None:
            return socket.create_connection((host, port), timeout_s)
        return self.network.dial(address, port, timeout_s=timeout_s)


@contextlib.contextmanager
def way_to(solver: Solver, node: Node, *, alias: str = "") -> Generator[Way]:
    """Have a service run, healthy, for the time of the block; it is found by name and alias.

    Raises:
        EngineError: It did not become healthy.
    """
    machine = solver.machine
    with solver.services.reached(node, alias) as hosts:
        known = {**machine.network.names.known(), **hosts}
        work = machine.store.new_work("way")
        try:
            files = {"hosts": hosts_text(None, socket.gethostname(), known)}
            files["resolv.conf"] = network_resolv_text(machine.network.nameserver())
            for name, text in files.items():
                (work / name).write_text(text)
            words = (
                *(sys.executable, "-I", "-S", str(Path(inside.__file__))),
                *(str(machine.network.ns_path()), *(str(work / name) for name in files)),
                ",".join(known),
            )
            lower = {name.lower(): address for name, address in known.items()}
            yield Way(network=machine.network, hosts=lower, words=words)
        finally:
            machine.store.discard(work)
