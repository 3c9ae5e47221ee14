"""A command that somebody sits at: it sees what any command sees, and nothing of it is kept."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from keelway.engine.graph.ops import Exec
from keelway.engine.solve.step import Step
from keelway.engine.solve.surroundings import Place, surround

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.graph.node import Node
    from keelway.engine.run.terminal import Terminal
    from keelway.engine.solve.solver import Solver


def run_at_terminal(
    solver: Solver, node: Node, terminal: Terminal, *, gone: Callable[[], bool]
) -> int:
    """Run the command that a node describes at a terminal and return its exit code.

    What the engine has to tell meanwhile is told afterwards.

    Raises:
        EngineError: The command, or what it needs, could not be had.
    """
    if not isinstance(node.op, Exec):
        raise TypeError(f"expected a command, got {node.op!r}")
    op = node.op
    results = solver.evaluate_all(node.inputs)
    step = Step(
        op=op,
        inputs=[result.snapshot for result in results],
        machine=solver.machine,
        views=solver.views,
        contents=solver.contents,
        services=solver.services,
        nodes=node.inputs,
    )
    solver.machine.runtime.emulate(op.platform)
    with (
        step.services.bound(step, op.bindings, cancelled=gone) as bound,
        ExitStack() as stack,
    ):
        here = surround(step, op, stack, Place(hosts=bound.hosts, cancelled=gone, keeps=False))
        with step.machine.progress.held():
            return step.machine.runtime.attach(here.spec, terminal, gone=gone)
