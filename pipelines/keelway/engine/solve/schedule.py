"""When nodes are evaluated: each as soon as its inputs are there, and once for all who wait."""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING

from keelway.engine.solve.cancel import Cancel

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.graph.node import Node
    from keelway.engine.solve.result import Result


class Flight:
    """One evaluation under way, which any number of threads may wait for."""

    __slots__ = ("cancel", "done", "error", "result", "waiting")

    def __init__(self) -> None:
        """Start with nothing known, and one who waits."""
        self.waiting = 1
        self.cancel = Cancel()
        self.done = threading.Event()
        self.result: Result | None = None
        self.error: BaseException | None = None

    def wait(self) -> Result:
        """Return the result once it is there, or raise the error that came instead."""
        self.done.wait()
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise AssertionError("a flight ended with neither result nor error")
        return self.result


class Schedule:
    """Runs nodes as soon as their inputs are there, side by side where the graph allows."""

    def __init__(
        self,
        order: list[Node],
        once: Callable[[Node], Result],
        abandon: Callable[[Node], None],
    ) -> None:
        self._once = once
        self._abandon = abandon
        self._waits: dict[str, int] = {}
        self._then: dict[str, list[Node]] = {}
        self._ready: list[Node] = []
        self._running: dict[str, Node] = {}
        self._done: queue.SimpleQueue[tuple[Node, BaseException | None]] = queue.SimpleQueue()
        among = {node.digest for node in order}
        for node in order:
            needs = {item.digest for item in node.inputs} & among
            self._waits[node.digest] = len(needs)
            for digest in needs:
                self._then.setdefault(digest, []).append(node)
            if not needs:
                self._ready.append(node)

    def run(self) -> None:
        """Run everything; the first error is raised, and what runs beside it is abandoned."""
        while self._ready or self._running:
            if len(self._ready) == 1 and not self._running:
                node = self._ready.pop()
                self._once(node)
                self._finished(node)
                continue
            while self._ready:
                self._spawn(self._ready.pop())
            node, error = self._done.get()
            del self._running[node.digest]
            if error is not None:
                for other in self._running.values():
                    self._abandon(other)
                raise error
            self._finished(node)

    def _spawn(self, node: Node) -> None:
        self._running[node.digest] = node
        # What it works for, which the context carries, is who its progress belongs to.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._in_thread, node), daemon=True).start()

    def _in_thread(self, node: Node) -> None:
        try:
            self._once(node)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._done.put((node, error))
        else:
            self._done.put((node, None))

    def _finished(self, node: Node) -> None:
        for after in self._then.get(node.digest, ()):
            self._waits[after.digest] -= 1
            if not self._waits[after.digest]:
                self._ready.append(after)
