"""The way from the engine to a service: for what it fetches and pushes itself.

with way_to(solver, node, alias="registry") as way:
    skopeo(...)  # started by `way.words`, finds the service as a container would
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from keelway.engine.graph.node import Node
    from keelway.engine.run.executing import Wiring
    from keelway.engine.solve.solver import Solver


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a running service is reached, for as long as it is held."""

    network: Wiring
    hosts: Mapping[str, str]
    folder: Path
    """An empty directory, for what a program is told."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return what stands before the command of a program that is to find the service.

        Raises:
            EngineError: Programs can't be given names here; says what to do.
        """
        return self.network.starter(self.folder, self.hosts)

    def dial(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Return a connection, to the service or to wherever else the host leads.

        Raises:
            OSError: Nobody answers there.
        """
        known = {name.lower(): address for name, address in self.hosts.items()}
        address = known.get(host.lower())
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
        work = machine.store.new_work("way")
        try:
            known = {**machine.network.names.known(), **hosts}
            yield Way(network=machine.network, hosts=known, folder=work)
        finally:
            machine.store.discard(work)
