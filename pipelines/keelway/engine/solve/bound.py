"""The services beside one command: what they are called, and what their end means for it."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.run.executing import Running
    from keelway.engine.solve.instance import Instance
    from keelway.engine.solve.streams import Streams

_KILLED = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One service of a command, under all the aliases that the command has for it."""

    instance: Instance
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        """Return its name as errors have it."""
        known = f"aliased as {', '.join(self.aliases)}" if self.aliases else "no aliases"
        return f"{self.instance.hostname} ({known})"


@dataclass(slots=True, kw_only=True)
class Bound:
    """The services beside one command, all of them healthy."""

    held: Sequence[Beside]
    hosts: dict[str, str] = field(default_factory=dict[str, str])
    """Names for `/etc/hosts`: aliases and host names of these services."""

    def run(self, process: Running, streams: Streams) -> int:
        """Run the command to its end and return its exit code; kill it when a service ends.

        Raises:
            EngineError: A service has ended, or the runtime failed.
        """
        dead: list[Beside] = []

        def died(beside: Beside) -> None:
            dead.append(beside)
            process.kill()

        with contextlib.ExitStack() as stack:
            for beside in self.held:
                watching = beside.instance.watching(functools.partial(died, beside))
                stack.enter_context(watching)
            try:
                code = process.pump(streams.on_stdout, streams.on_stderr)
            except EngineError:
                if not dead:
                    raise
                code = _KILLED
        if dead and code == _KILLED:
            raise EngineError(f"bound service {dead[0]} exited{dead[0].instance.end}")
        return code
