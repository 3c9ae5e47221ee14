"""The services of a session: one running instance a definition, shared by all who need it.

A command that has services bound to it waits until they are healthy and holds them while it runs.
Ten seconds after its last user has gone a service is asked to end, unless somebody started it by
name: then it runs until it is stopped. The end of the session ends all.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.ops import Exec, Forward, HostService, Service, Tunnel
from keelway.engine.solve.instance import Instance
from keelway.engine.solve.serving import LOOPBACK, ContainerWork, HostWork, TunnelWork
from keelway.engine.solve.step import Step
from keelway.engine.solve.surroundings import check_locks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from keelway.engine.graph.node import Node
    from keelway.engine.graph.ops import Binding
    from keelway.engine.run.process import Process
    from keelway.engine.solve.instance import Where, Work
    from keelway.engine.solve.solver import Solver
    from keelway.engine.solve.streams import Streams

_NAME_BYTES = 8
_END_S = 5.0
_KILLED = 137
_LOOK_S = 0.2


@dataclass(slots=True, kw_only=True)
class Bound:
    """The services beside one command, all of them healthy."""

    held: Sequence[tuple[str, Instance]]
    hosts: dict[str, str] = field(default_factory=dict[str, str])
    """Names for `/etc/hosts`: aliases, and the host names of all that run in the session."""

    def run(self, process: Process, streams: Streams) -> int:
        """Run the command to its end and return its exit code; kill it when a service ends.

        Raises:
            EngineError: A service has ended, or the runtime failed.
        """
        dead: list[tuple[str, Instance]] = []

        def died(alias: str, instance: Instance) -> None:
            dead.append((alias, instance))
            process.kill()

        with contextlib.ExitStack() as stack:
            for alias, instance in self.held:
                stack.enter_context(instance.watching(functools.partial(died, alias, instance)))
            try:
                code = process.pump(streams.on_stdout, streams.on_stderr)
            except EngineError:
                if not dead:
                    raise
                code = _KILLED
        if dead and code == _KILLED:
            alias, instance = dead[0]
            raise EngineError(
                f"bound service {instance.hostname} (aliased as {alias}) exited: "
                f"exit code: {instance.code}"
            )
        return code


class Services:
    """All services of one session."""

    def __init__(self, solver: Solver) -> None:
        """Start with none; definitions are evaluated by `solver`."""
        self._solver = solver
        self._lock = threading.Lock()
        self._running: dict[str, Instance] = {}
        self._all: set[Instance] = set()
        self._closed = False

    @contextlib.contextmanager
    def bound(
        self,
        step: Step,
        bindings: Sequence[Binding],
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Generator[Bound]:
        """Hold the services of a command; they start side by side and are healthy in the block.

        Raises:
            EngineError: One did not become healthy.
        """
        if isinstance(step.op, Exec):
            check_locks(step.op, step.nodes)
        with contextlib.ExitStack() as stack:
            held = [
                (binding.alias, stack.enter_context(self.holding(step.nodes[binding.input])))
                for binding in bindings
            ]
            found: dict[str, str] = {}
            for alias, instance in held:
                address = instance.wait_ready(alias, cancelled=cancelled).address
                found |= {instance.hostname: address, alias: address}
            yield Bound(held=held, hosts={**self._hosts(), **found})

    @contextlib.contextmanager
    def holding(self, node: Node) -> Generator[Instance]:
        """Have a service run for the time of the block; whether it is healthy is not waited for.

        Raises:
            EngineError: What the service is made of could not be had.
        """
        instance = self._join(node)
        try:
            yield instance
        finally:
            self._leave(instance)

    def start(self, node: Node, *, cancelled: Callable[[], bool]) -> Where:
        """Run a service until it is stopped; return where it is, once it is healthy.

        Raises:
            EngineError: It did not become healthy.
        """
        with self.holding(node) as instance:
            where = instance.wait_ready(cancelled=cancelled)
            with self._lock:
                instance.pinned = True
        return where

    def stop(self, node: Node, *, kill: bool, cancelled: Callable[[], bool]) -> None:
        """End a service and wait for that; one that does not run is fine as it is."""
        key = self._solver.key(node)
        with self._lock:
            instance = self._running.pop(key, None)
            if instance is None:
                return
            instance.pinned = False
        (instance.kill if kill else instance.terminate)()
        while not instance.wait_ended(_LOOK_S):
            if cancelled():
                return

    def up(self, node: Node, *, gone: Callable[[float], bool]) -> None:
        """Run a tunnel until its client has gone, for which `gone` waits so many seconds.

        Raises:
            EngineError: It did not become healthy, or its service has ended.
        """

        def serve(op_id: str) -> None:
            with self.holding(node) as instance:
                where = instance.wait_ready(cancelled=lambda: gone(0))
                told = " ".join(f"{where.address}:{port}" for port, _ in where.ports)
                self._solver.machine.progress.log(op_id, "stdout", f"{told}\n".encode())
                while not gone(_LOOK_S):
                    if instance.is_over:
                        raise EngineError(f"service {instance.hostname} has ended")

        self._solver.reported("up", serve)

    def where(self, node: Node) -> Where | None:
        """Return where a service is found, None while it does not run."""
        with self._lock:
            instance = self._running.get(self._solver.key(node))
        return None if instance is None else instance.where

    def hostname(self, node: Node) -> str:
        """Return the name by which containers of the session find a service."""
        op = node.op
        if isinstance(op, Service | HostService | Tunnel) and op.hostname:
            return op.hostname
        if isinstance(op, Tunnel):
            return LOOPBACK
        digest = bytes.fromhex(self._solver.key(node))[:_NAME_BYTES]
        return base64.b32encode(digest).decode().rstrip("=").lower()

    def close(self) -> None:
        """End all services now."""
        with self._lock:
            self._closed = True
            left = list(self._all)
            for instance in left:
                if instance.leaving is not None:
                    instance.leaving.cancel()
        for instance in left:
            instance.kill()
        for instance in left:
            instance.wait_ended(_END_S)

    # --- who needs what -----------------------------------------------------------------------

    def _join(self, node: Node) -> Instance:
        """Return the instance of a definition, started if need be, with one more user."""
        key = self._solver.key(node)
        self._solver.evaluate(node)  # what fails here is no failure of the service
        with self._lock:
            instance = self._running.get(key)
            if instance is None:
                if self._closed:
                    raise EngineError("the session has ended")
                instance = Instance(self.hostname(node), self._work(node), self._ended)
                if isinstance(node.op, Tunnel):
                    instance.grace_s = 0.0  # nothing is saved by it, and the ports are the host's
                self._running[key] = instance
                self._all.add(instance)
                instance.start()
            elif instance.leaving is not None:
                instance.leaving.cancel()
                instance.leaving = None
            instance.users += 1
        return instance

    def _leave(self, instance: Instance) -> None:
        """Take one user away; the last one leaves the service some time for the next."""
        with self._lock:
            instance.users -= 1
            if instance.users or instance.pinned or instance.is_over or self._closed:
                return
            instance.leaving = timer = threading.Timer(
                instance.grace_s, lambda: self._idle(instance, timer)
            )
            timer.daemon = True
            timer.start()

    def _idle(self, instance: Instance, timer: threading.Timer) -> None:
        with self._lock:
            if instance.leaving is not timer or instance.users or instance.pinned:
                return
            self._forget(instance)
        instance.end_gently()

    def _ended(self, instance: Instance) -> None:
        with self._lock:
            self._forget(instance)
            self._all.discard(instance)

    def _forget(self, instance: Instance) -> None:
        for key, found in list(self._running.items()):
            if found is instance:
                del self._running[key]

    def _hosts(self) -> dict[str, str]:
        """Return the addresses of all that containers can use, by host name."""
        with self._lock:
            running = list(self._running.values())
        return {
            instance.hostname: instance.where.address
            for instance in running
            if instance.where is not None and instance.where.address != LOOPBACK
        }

    # --- what runs ----------------------------------------------------------------------------

    def _work(self, node: Node) -> Work:
        machine = self._solver.machine
        match node.op:
            case Service():
                return self._container(node, node.op)
            case HostService():
                return HostWork(machine, node.op)
            case Tunnel():
                forwards = _forwards(node.op, node.inputs[0])
                return TunnelWork(machine, forwards, lambda: self.holding(node.inputs[0]))
            case _:
                raise TypeError(f"expected a service, got {node.op!r}")

    def _container(self, node: Node, service: Service) -> ContainerWork:
        result = self._solver.evaluate(node)
        step = Step(
            op=service.exec,
            inputs=list(result.snapshots),
            machine=self._solver.machine,
            views=self._solver.views,
            contents=self._solver.contents,
            services=self,
            nodes=node.inputs,
        )
        return ContainerWork(step, service, self.hostname(node), self._solver.reported)


def _forwards(tunnel: Tunnel, upstream: Node) -> tuple[Forward, ...]:
    """Return what a tunnel forwards: the ports that it names, else all that the service has.

    Raises:
        EngineError: There are none.
    """
    ports = upstream.op.ports if isinstance(upstream.op, Service) else ()
    same = tuple(
        Forward(backend=port, frontend=port) for port, protocol in ports if protocol == "TCP"
    )
    free = tuple(replace(one, frontend=0) for one in same)
    found = (*(same if tunnel.native else ()), *tunnel.forwards)
    if not (found or tunnel.native):
        found = free
    if not found:
        raise EngineError("no ports to forward")
    return found
