"""The services of a session: one running instance a definition, shared by all who need it.

A command that has services bound to it waits until they are healthy and holds them while it runs.
Ten seconds after its last user has gone a service is asked to end, unless somebody started it by
name: then it runs until it is stopped. The end of the session ends all.
"""

from __future__ import annotations

import base64
import contextlib
import threading
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.ops import Exec, HostService, Service, Tunnel
from keelway.engine.solve.bound import Beside, Bound
from keelway.engine.solve.instance import Instance
from keelway.engine.solve.machine import LOOPBACK
from keelway.engine.solve.ports import forwarded, listened
from keelway.engine.solve.serving import ContainerWork, HostWork, TunnelWork
from keelway.engine.solve.step import Step
from keelway.engine.solve.surroundings import check_locks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from keelway.engine.graph.node import Node
    from keelway.engine.graph.ops import Binding
    from keelway.engine.run.terminal import Terminal
    from keelway.engine.solve.instance import Where, Work
    from keelway.engine.solve.solver import Solver

_NAME_BYTES = 8
_END_S = 5.0
_LOOK_S = 0.2


class Services:
    """All services of one session."""

    def __init__(self, solver: Solver) -> None:
        """Start with none; definitions are evaluated by `solver`."""
        self._solver = solver
        self._lock = threading.Lock()
        self._running: dict[str, Instance] = {}
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
                Beside(instance=stack.enter_context(self.holding(node)), aliases=aliases)
                for node, aliases in self._by_service(step, bindings)
            ]
            hosts: dict[str, str] = {}
            for beside in held:
                address = beside.instance.wait_ready(f"start {beside}", cancelled=cancelled).address
                names = (beside.instance.hostname, *beside.aliases)
                hosts |= dict.fromkeys(names, address)
            yield Bound(held=held, hosts=hosts)

    @contextlib.contextmanager
    def reached(self, node: Node, alias: str) -> Generator[dict[str, str]]:
        """Have a service run, healthy, for the time of the block, and give its names.

        Raises:
            EngineError: It did not become healthy.
        """
        with self.holding(node) as instance:
            beside = Beside(instance=instance, aliases=(alias,) if alias else ())
            address = instance.wait_ready(f"start {beside}").address
            yield dict.fromkeys((instance.hostname, *beside.aliases), address)

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

    def start(self, node: Node) -> Where:
        """Run a service until it is stopped; return where it is, once it is healthy.

        Raises:
            EngineError: It did not become healthy.
        """
        with self.holding(node) as instance:
            where = instance.wait_ready()
            with self._lock:
                instance.pinned = True
        return where

    def stop(self, node: Node, *, kill: bool, cancelled: Callable[[], bool]) -> None:
        """End a service and wait for that; one that does not run is fine as it is.

        One that was asked to end and does not is killed by a second call.
        """
        key = self._solver.key(node)
        with self._lock:
            instance = self._running.get(key)
            if instance is None:
                return
            instance.pinned = False
            instance.stopping = True
            if instance.leaving is not None:
                instance.leaving.cancel()
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
                where = instance.wait_ready(
                    "failed to start host service", cancelled=lambda: gone(0)
                )
                told = " ".join(f"{where.address}:{port.port}" for port in where.ports)
                self._solver.machine.progress.log(op_id, "stdout", f"{told}\n".encode())
                while not gone(_LOOK_S):
                    if instance.is_over:
                        raise EngineError(f"service {instance.hostname} has ended")

        self._solver.reported("up", serve)

    def where(self, node: Node) -> Where:
        """Return where a running service is found; wait for one that is being started.

        Raises:
            EngineError: It does not run.
        """
        with self._lock:
            instance = self._running.get(self._solver.key(node))
        if instance is not None:
            with contextlib.suppress(EngineError):
                return instance.wait_ready()
        raise EngineError(f"service {self._own_name(node)} is not running")

    def attach(
        self,
        node: Node,
        argv: Sequence[str],
        terminal: Terminal,
        *,
        gone: Callable[[], bool],
    ) -> int:
        """Run a second command in a running service's container, at a terminal.

        Raises:
            EngineError: The service does not run, or is no container's.
        """
        with self._lock:
            instance = self._running.get(self._solver.key(node))
        process = None if instance is None else instance.process
        if process is None:
            raise EngineError(f"service {self.hostname(node)} is not running")
        return self._solver.machine.runtime.join(process, argv, terminal, gone=gone)

    def hostname(self, node: Node) -> str:
        """Return the name by which containers of the session, or the host, find a service.

        Raises:
            EngineError: It is a tunnel, which has a place on the host only while it runs.
        """
        op = node.op
        if isinstance(op, Service | HostService | Tunnel) and op.hostname:
            return op.hostname
        return self.where(node).address if isinstance(op, Tunnel) else self._own_name(node)

    def _own_name(self, node: Node) -> str:
        """Return the name that the definition gives."""
        digest = bytes.fromhex(self._solver.key(node))[:_NAME_BYTES]
        return base64.b32encode(digest).decode().rstrip("=").lower()

    def close(self) -> None:
        """End all services now."""
        with self._lock:
            self._closed = True
            left = list(self._running.values())
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
        if self._solver.machine.network.shares_ports:
            self._make_room(key, node)
        while True:
            with self._lock:
                instance = self._running.get(key)
                if instance is None:
                    instance = self._new(key, node)
                if not instance.stopping:
                    if instance.leaving is not None:
                        instance.leaving.cancel()
                        instance.leaving = None
                    instance.users += 1
                    return instance
            instance.wait_ended()  # there is one at a time

    def _new(self, key: str, node: Node) -> Instance:
        """Return a started instance of a definition that does not run."""
        if self._closed:
            raise EngineError("the session has ended")
        tunnel = isinstance(node.op, Tunnel)
        name = LOOPBACK if tunnel else self.hostname(node)
        instance = Instance(name, self._work(node), self._ready, self._ended)
        if tunnel:
            instance.grace_s = 0.0  # nothing is saved by it, and the ports are the host's
        instance.ports = listened(node)
        self._running[key] = instance
        instance.start()
        return instance

    def _by_service(
        self, step: Step, bindings: Sequence[Binding]
    ) -> list[tuple[Node, tuple[str, ...]]]:
        """Return each service of a command once, with its aliases."""
        nodes: dict[str, Node] = {}
        aliases: dict[str, list[str]] = {}
        for binding in bindings:
            node = step.nodes[binding.input]
            key = self._solver.key(node)
            nodes.setdefault(key, node)
            aliases.setdefault(key, []).extend([binding.alias] if binding.alias else [])
        return [(node, tuple(aliases[key])) for key, node in nodes.items()]

    def _make_room(self, key: str, node: Node) -> None:
        """End services that nobody uses any more and that have the ports of one to be started."""
        with self._lock:
            if key in self._running:
                return
            idle = [
                (instance, instance.leaving)
                for instance in self._running.values()
                if instance.leaving is not None
                and not (instance.users or instance.pinned or instance.stopping)
                and instance.ports & listened(node)
            ]
            for instance, leaving in idle:
                leaving.cancel()
                instance.stopping = True
        for instance, _ in idle:
            instance.end_gently()
            instance.wait_ended(_END_S)

    def _leave(self, instance: Instance) -> None:
        """Take one user away; the last one leaves the service some time for the next."""
        with self._lock:
            instance.users -= 1
            if instance.users or instance.pinned or instance.stopping or self._closed:
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
            instance.stopping = True
        instance.end_gently()

    def _ready(self, instance: Instance, where: Where) -> None:
        if where.address != LOOPBACK:
            self._solver.machine.network.names.add(instance.hostname, where.address)

    def _ended(self, instance: Instance) -> None:
        with self._lock:
            for key, found in list(self._running.items()):
                if found is instance:
                    del self._running[key]
        if instance.where is not None:
            self._solver.machine.network.names.remove(instance.hostname, instance.where.address)

    # --- what runs ----------------------------------------------------------------------------

    def _work(self, node: Node) -> Work:
        machine = self._solver.machine
        match node.op:
            case Service():
                return self._container(node, node.op)
            case HostService():
                return HostWork(machine, node.op)
            case Tunnel():
                forwards = forwarded(node.op, node.inputs[0])
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
