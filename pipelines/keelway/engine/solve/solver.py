"""The solver: gives the result of a node, by looking it up or by making it, once.

Identity is content. A node is looked up twice. First by the key that its definition gives, before
any input is evaluated: a cached chain costs one look-up however long it is. Then, once the inputs
are there, by a key made of their results, in which copied and mounted trees count by their
contents: so a step runs again only if what it reads changed. The idea is BuildKit's fast and
slow cache keys (its `docs/dev/solver.md`).
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from keelway.engine.errors import EngineError
from keelway.engine.graph.copies import Stacked
from keelway.engine.graph.node import key_of
from keelway.engine.graph.ops import (
    HostService,
    Output,
    Scratch,
    Service,
    Tunnel,
)
from keelway.engine.graph.sources import HostFile, HostTree
from keelway.engine.run.inroot import Root
from keelway.engine.solve import describe, history
from keelway.engine.solve.content import Contents
from keelway.engine.solve.operations import run_step
from keelway.engine.solve.result import Result, from_bytes, to_bytes
from keelway.engine.solve.schedule import Flight, Schedule
from keelway.engine.solve.services import Services
from keelway.engine.solve.step import Step
from keelway.engine.solve.trees import real_path
from keelway.engine.solve.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.graph.node import Node
    from keelway.engine.solve.cancel import Cancel
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.result import Stream


T = TypeVar("T")


class Solver:
    """Evaluates nodes of one session."""

    def __init__(self, machine: Machine) -> None:
        """Work with these parts; results are remembered for the session."""
        self.machine = machine
        self.views = Views(machine.store, machine.snapshotter)
        self.contents = Contents(machine.store, self.views)
        self.services = Services(self)
        self._results: dict[str, Result] = {}
        self._keys: dict[str, str] = {}
        self._flights: dict[str, Flight] = {}
        self._known: set[str] = set()
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def evaluate(self, node: Node) -> Result:
        """Return the node's result, evaluating what it needs; safe from any thread.

        Raises:
            EngineError: Some operation failed; the first failure wins.
        """
        return self.evaluate_all([node])[0]

    def evaluate_all(self, nodes: Sequence[Node]) -> list[Result]:
        """Return the nodes' results; what they need is evaluated side by side.

        Raises:
            EngineError: Some operation failed; the first failure wins.
        """
        order = self._missing(nodes)
        if len(order) == 1:
            self._once(order[0])
        elif order:
            Schedule(order, self._once, self._abandon).run()
        return [self._results[node.digest] for node in nodes]

    def look_at(self, node: Node, path: str, *, want: str, shown: str = "") -> None:
        """Evaluate a tree and check that it has a `directory` or a `file` at the path.

        Errors tell the path as it is `shown`.

        Raises:
            EngineError: There is nothing, or something else.
        """
        snapshot = self.evaluate(node).snapshot
        if path == "/" and want == "directory":
            return
        with self.views.reading(snapshot) as view, Root(view) as root:
            is_dir = real_path(root, path, shown=shown).is_dir()
        if is_dir != (want == "directory"):
            kind = "directory" if is_dir else "file"
            raise EngineError(f"path {shown or path} is a {kind}, not a {want}")

    def stream(self, stream: Stream) -> bytes:
        """Return all of what a command wrote to one of its streams."""
        return self.machine.store.blobs.read(stream.blob) if stream.blob else stream.inline

    def has(self, node: Node) -> bool:
        """Tell whether the node was evaluated in this session."""
        return node.digest in self._results

    # --- look-ups -----------------------------------------------------------------------------

    def _lookup(self, node: Node) -> Result | None:
        """Return the result if it was made before, in this session or an earlier one."""
        found = self._results.get(node.digest)
        if found is not None:
            return found
        if isinstance(node.op, (HostTree, HostFile)):
            return self._once(node)
        if isinstance(node.op, Output):
            whole = self._lookup(node.inputs[0])
            return None if whole is None else self._remember(node, _output(node, whole))
        found = self._stored(self.key(node))
        if found is None:
            return None
        self._tell_cached(node)
        return self._remember(node, found)

    def key(self, node: Node) -> str:
        """Return the key that the definition gives: its digest, with host folders by content."""
        known = self._keys.get(node.digest)
        if known is not None:
            return known
        stack = [node]
        while stack:
            top = stack[-1]
            if top.digest in self._keys:
                stack.pop()
                continue
            waiting = [item for item in top.inputs if item.digest not in self._keys]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            self._keys[top.digest] = self._definition_key(top)
        return self._keys[node.digest]

    def _definition_key(self, node: Node) -> str:
        if isinstance(node.op, (HostTree, HostFile)):
            return self._once(node).key
        keys = [self._keys[item.digest] for item in node.inputs]
        if all(key == item.digest for key, item in zip(keys, node.inputs, strict=True)):
            return node.digest
        return key_of(node.op, keys)

    def _stored(self, key: str) -> Result | None:
        data = self.machine.store.cache.get(bytes.fromhex(key))
        if data is None:
            return None
        result = from_bytes(data)
        return result if self._is_whole(result) else None

    def _is_whole(self, result: Result) -> bool:
        """Say whether all that a cached result needs is still in the store."""
        layers = [layer for layer in result.layers() if layer not in self._known]
        if layers and not self.machine.store.layers.exists(layers):
            return False
        self._known.update(layers)
        return all(self.machine.store.blobs.has(blob) for blob in result.blobs())

    def _tell_cached(self, node: Node) -> None:
        """Tell progress of a node that was found, and of all that it saved: each only once."""
        stack = [node]
        while stack:
            top = stack.pop()
            if top.digest in self._told:
                continue
            self._told.add(top.digest)
            stack.extend(top.inputs)
            if not isinstance(top.op, (Output, Stacked, Scratch, HostTree, HostFile)):
                step = self._begin(describe.name_of(top.op), top)
                self.machine.progress.end(step, cached=True, error=None)

    def _remember(self, node: Node, result: Result) -> Result:
        self._results[node.digest] = result
        return result

    # --- evaluation ---------------------------------------------------------------------------

    def _missing(self, nodes: Sequence[Node]) -> list[Node]:
        """Return what must be evaluated, inputs before those that need them."""
        order: list[Node] = []
        seen: set[str] = set()
        stack = [(node, False) for node in reversed(nodes)]
        while stack:
            top, ready = stack.pop()
            if ready:
                order.append(top)
            elif top.digest not in seen:
                seen.add(top.digest)
                if self._lookup(top) is None:
                    stack.append((top, True))
                    stack.extend((item, False) for item in reversed(top.inputs))
        return order

    def _once(self, node: Node) -> Result:
        """Evaluate one node whose inputs are there; whoever comes meanwhile shares the result."""
        while True:
            with self._lock:
                found = self._results.get(node.digest)
                if found is not None:
                    return found
                flight = self._flights.get(node.digest)
                if flight is None:
                    flight = self._flights[node.digest] = Flight()
                    break
                cancelled = flight.cancel.is_set()
                flight.waiting += not cancelled
            if not cancelled:
                return flight.wait()
            flight.done.wait()  # and make it anew
        try:
            flight.result = self._remember(node, self._make(node, flight.cancel))
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[node.digest]
            flight.done.set()
        return flight.result

    def _abandon(self, node: Node) -> None:
        """Wait for a node no longer; when nobody does, its command is killed."""
        with self._lock:
            flight = self._flights.get(node.digest)
            if flight is None:
                return
            flight.waiting -= 1
            last = flight.waiting == 0
        if last:
            flight.cancel.set()

    def _make(self, node: Node, cancel: Cancel) -> Result:
        inputs = [self._results[item.digest] for item in node.inputs]
        if isinstance(node.op, Output):
            return _output(node, inputs[0])
        if isinstance(node.op, Stacked):
            return _stacked(node.op, inputs)
        step = Step(
            op=node.op,
            inputs=[result.snapshot for result in inputs],
            machine=self.machine,
            views=self.views,
            contents=self.contents,
            services=self.services,
            nodes=node.inputs,
            cancel=cancel,
        )
        if isinstance(node.op, (HostTree, HostFile)):
            return run_step(step, key="")
        key = key_of(self.contents.by_content(node.op), self._input_keys(node, inputs, step))
        if isinstance(node.op, (Service, HostService, Tunnel)):
            # A definition: what it needs is there now, and it runs when somebody uses it.
            return Result(key=key, snapshots=tuple(step.inputs) or ((),))
        name = describe.name_of(node.op)
        result = self._stored(key)
        if result is not None:
            self._tell_cached(node)
        else:
            self._told.add(node.digest)
            result = self.reported(
                name, lambda op_id: run_step(replace(step, op_id=op_id), key=key), node
            )
            history.remember(self.machine.store, node.op, step.inputs, result.snapshots)
            self._store(key, result, name)
        definition = self.key(node)
        if definition != key:
            self._store(definition, result, name)
        return result

    def _input_keys(self, node: Node, inputs: list[Result], step: Step) -> list[str]:
        by_content = self.contents.selections(node.op)
        keys: list[str] = []
        for number, result in enumerate(inputs):
            selected = by_content.get(number)
            if selected is None:
                keys.append(result.key)
            else:
                keys.append(self.contents.digest(step.inputs[number], selected))
        return keys

    def _store(self, key: str, result: Result, name: str) -> None:
        self.machine.store.cache.put(
            bytes.fromhex(key),
            to_bytes(result),
            description=name,
            layers=sorted(result.layers()),
            blobs=result.blobs(),
        )

    def reported(self, name: str, work: Callable[[str], T], node: Node | None = None) -> T:
        """Return what `work` gives; progress hears of its start and end under this name."""
        op_id = self._begin(name, node)
        origin = self.machine.progress.origin(op_id)
        try:
            result = work(op_id)
        except BaseException as error:
            self.machine.progress.end(op_id, cached=False, error=str(error) or repr(error))
            if isinstance(error, EngineError):
                error.trace(origin)
            raise
        self.machine.progress.end(op_id, cached=False, error=None)
        return result

    def _begin(self, name: str, node: Node | None) -> str:
        if node is None:
            return self.machine.progress.start(name)
        inputs = [item.digest for item in node.inputs]
        return self.machine.progress.start(name, node.digest, inputs)


def _output(node: Node, whole: Result) -> Result:
    """Return one output of an exec as a result of its own."""
    index = node.op.index if isinstance(node.op, Output) else 0
    key = key_of(node.op, [whole.key])
    return Result(key=key, snapshots=(whole.snapshots[index],))


def _stacked(op: Stacked, inputs: list[Result]) -> Result:
    """Return the layers of all inputs as one tree; each stays what it was."""
    layers = tuple(layer for result in inputs for layer in result.snapshot)
    return Result(key=key_of(op, [result.key for result in inputs]), snapshots=(layers,))
