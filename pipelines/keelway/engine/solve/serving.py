"""What services do while they run: a container's command, a way to the host, a way from it."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError, ExecFailed
from keelway.engine.graph.values import Port
from keelway.engine.run.datagrams import (
    DatagramRelay,
    bound_datagrams,
    connected_datagrams,
)
from keelway.engine.run.relay import Relay
from keelway.engine.solve import describe
from keelway.engine.solve.health import wait_healthy
from keelway.engine.solve.instance import Where, told
from keelway.engine.solve.machine import EVERYWHERE, LOOPBACK
from keelway.engine.solve.streams import LONGEST_IN_ERROR, Streams, for_error
from keelway.engine.solve.surroundings import Place, surround
from keelway.engine.store.volumes import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from keelway.engine.graph.ops import Forward, HostService, Service
    from keelway.engine.run.executing import Running
    from keelway.engine.run.spec import Endpoint
    from keelway.engine.solve.bound import Bound
    from keelway.engine.solve.instance import Instance
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.surroundings import Surroundings

_DIAL_S = 10.0


class ContainerWork:
    """A command in a container; what it writes to its file systems is thrown away."""

    def __init__(
        self,
        step: Step,
        service: Service,
        hostname: str,
        reported: Callable[[str, Callable[[str], int]], int],
    ) -> None:
        """Prepare to run `service`, whose inputs `step` has; `reported` tells progress of it."""
        self._step = step
        self._reported = reported
        self._service = service
        self._hostname = hostname
        self._lock = threading.Lock()
        self._process: Running | None = None
        self._stopped = threading.Event()
        self._over = threading.Event()
        self._unhealthy: Exception | None = None

    def run(self, ready: Callable[[Where], None]) -> int:
        """Run the command to its end and return its exit code.

        Raises:
            ExecFailed: It ended, or its check failed, before it was healthy.
            EngineError: It could not be run at all.
        """
        return self._reported(describe.name_of(self._service), partial(self._run, ready))

    def _run(self, ready: Callable[[Where], None], op_id: str) -> int:
        step = self._step = replace(self._step, op_id=op_id)
        command = self._service.exec
        step.machine.runtime.emulate(command.platform)
        cancelled = self._stopped.is_set
        with ExitStack() as dependencies, ExitStack() as stack:
            try:
                bound = dependencies.enter_context(
                    step.services.bound(step, command.bindings, cancelled=cancelled)
                )
            except EngineError as error:
                raise told(error, "start dependent services") from error
            place = Place(
                hostname=self._hostname,
                hosts=bound.hosts,
                cancelled=cancelled,
                keeps=False,
            )
            try:
                here = surround(step, command, stack, place)
            except Cancelled:
                raise EngineError("stopped before it was started") from None
            return self._serve(here, bound, ready)

    @property
    def process(self) -> Running | None:
        """Return the command once it is started."""
        return self._process

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._stopped.set()
        with self._lock:
            if self._process is not None:
                self._process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to everything in the container."""
        self._stopped.set()
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _serve(self, here: Surroundings, bound: Bound, ready: Callable[[Where], None]) -> int:
        streams = Streams(self._step, here.secrets, limit=LONGEST_IN_ERROR)
        runtime = self._step.machine.runtime
        stdin = self._service.exec.stdin.encode("utf-8", "surrogateescape")
        with self._lock:
            if self._stopped.is_set():
                raise EngineError("stopped before it was started")
            process = self._process = here.start(runtime, stdin)
        healthy = threading.Event()
        watcher = threading.Thread(
            target=self._watch, args=(process, here, healthy, ready), daemon=True
        )
        watcher.start()
        try:
            code = bound.run(process, streams)
        finally:
            self._over.set()
            watcher.join()
        streams.end()
        if self._unhealthy is not None:
            raise self._unhealthy
        if not healthy.is_set() and code:
            raise ExecFailed(
                f"exit code: {code}",
                command=self._service.exec.args,
                exit_code=code,
                stdout=for_error(streams.stdout),
                stderr=for_error(streams.stderr),
            )
        return code

    def _watch(
        self,
        process: Running,
        here: Surroundings,
        healthy: threading.Event,
        ready: Callable[[Where], None],
    ) -> None:
        """Tell when the service is healthy, or kill it when it will not be."""
        address = "" if here.spec.network is None else here.spec.network.address or ""
        machine = self._step.machine
        try:
            if wait_healthy(machine, self._service, process, address, self._over.wait):
                healthy.set()
                ready(Where(address=address))
        except Exception as error:  # noqa: BLE001 - raised by the thread that runs the command
            self._unhealthy = error
            process.kill()


class HostWork:
    """Ports of the host, at an address that containers reach."""

    process: Running | None = None

    def __init__(self, machine: Machine, service: HostService) -> None:
        """Prepare to pass connections on to the host."""
        self._machine = machine
        self._service = service
        self._relay = Relay()
        self._datagrams = DatagramRelay()

    def run(self, ready: Callable[[Where], None]) -> int:
        """Pass connections and datagrams on until somebody ends it."""
        network = self._machine.network
        endpoint = network.attach()
        try:
            for forward in self._service.forwards:
                try:
                    self._add(endpoint, forward)
                except OSError as error:
                    raise EngineError(f"port {forward.frontend}: {error.strerror}") from error
            self._datagrams.start()
            ports = tuple(_port(one, one.frontend, str(one.backend)) for one in self._forwards)
            ready(Where(address=endpoint.address or "", ports=ports))
            self._relay.wait()
        finally:
            self._relay.close()
            self._datagrams.close()
            network.release(endpoint)
        return 0

    @property
    def _forwards(self) -> Sequence[Forward]:
        return self._service.forwards

    def _add(self, endpoint: Endpoint, forward: Forward) -> None:
        network, where = self._machine.network, (self._service.host, forward.backend)
        if forward.protocol == "UDP":
            self._datagrams.add(
                network.listen_datagrams(endpoint, forward.frontend),
                lambda: connected_datagrams(*where),
            )
        else:
            self._relay.add(
                network.listen(endpoint, forward.frontend),
                lambda: socket.create_connection(where, _DIAL_S),
            )

    def terminate(self) -> None:
        """End it: nothing needs time for that."""
        self._relay.close()

    def kill(self) -> None:
        """End it."""
        self._relay.close()


class TunnelWork:
    """Ports of the host that lead to a service, which runs as long as the tunnel does."""

    process: Running | None = None

    def __init__(
        self,
        machine: Machine,
        forwards: Sequence[Forward],
        upstream: Callable[[], AbstractContextManager[Instance]],
    ) -> None:
        """Prepare to pass connections on to the service that `upstream` holds."""
        self._machine = machine
        self._forwards = forwards
        self._upstream = upstream
        self._relay = Relay()
        self._datagrams = DatagramRelay()

    def run(self, ready: Callable[[Where], None]) -> int:
        """Pass connections and datagrams on until somebody ends it, or the service ends."""
        with self._upstream() as upstream, ExitStack() as stack:
            where = upstream.wait_ready("start upstream", cancelled=self._relay.is_closed)
            stack.callback(self._relay.close)
            stack.callback(self._datagrams.close)
            stack.enter_context(upstream.watching(self._relay.close))
            ports: list[Port] = []
            for forward in self._forwards:
                port = self._add(forward, where.address)
                ports.append(_port(forward, port, f"{upstream.hostname}:{forward.backend}"))
            self._datagrams.start()
            ready(Where(address=LOOPBACK, ports=tuple(ports)))
            self._relay.wait()
        return 0

    def _add(self, forward: Forward, address: str) -> int:
        """Listen for one forward, and return the port of the host."""
        network = self._machine.network
        listener = _listener(forward, self._machine.tunnels)
        port: int = listener.getsockname()[1]
        if forward.protocol == "UDP":
            self._datagrams.add(listener, lambda: network.dial_datagrams(address, forward.backend))
        else:
            self._relay.add(
                listener, lambda: network.dial(address, forward.backend, timeout_s=_DIAL_S)
            )
        return port

    def terminate(self) -> None:
        """End it: nothing needs time for that."""
        self._relay.close()

    def kill(self) -> None:
        """End it."""
        self._relay.close()


def _port(forward: Forward, port: int, goal: str) -> Port:
    """Return a forwarded port as `Service.ports` tells it."""
    origin = f"{EVERYWHERE}:{port}" if ":" in goal else f"{forward.protocol} {port}"
    description = f"tunnel {origin} -> {goal}"
    return Port(port=port, protocol=forward.protocol, description=description)


def _listener(forward: Forward, address: str) -> socket.socket:
    try:
        if forward.protocol == "UDP":
            return bound_datagrams(address, forward.frontend)
        return socket.create_server((address, forward.frontend))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EngineError(f"port {forward.frontend} of the host: {reason}") from error
