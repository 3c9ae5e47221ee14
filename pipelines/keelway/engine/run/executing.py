"""What running commands takes, however they are isolated: the seam between two implementations.

`Runtime`, `Process` and `Network` are the one with namespaces and mounts; `ChrootRuntime`,
`ChrootProcess` and `Loopbacks` the one for places that allow neither (docs/adr/0007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from keelway.engine.run.names import Names
    from keelway.engine.run.spec import Endpoint, ExecSpec
    from keelway.engine.run.started import Asked
    from keelway.engine.run.streams import Sink
    from keelway.engine.run.terminal import Terminal


class Running(Protocol):
    """A started command. Exactly one thread calls `pump`; any others may do the rest."""

    def pump(self, on_stdout: Sink, on_stderr: Sink) -> int:
        """Move the streams until the command is over and return its exit code."""
        ...

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit code once the pump in another thread is over; None when time is up."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to the command; nothing happens when it is over."""
        ...

    def kill(self) -> None:
        """Kill the command and all that it has started; its pump then ends with 137."""
        ...

    def has_begun(self) -> bool:
        """Tell whether the command's process is there."""
        ...

    def view(self) -> tuple[str, str]:
        """Return where it sees its files: a mount namespace (empty for the engine's) and a root.

        Raises:
            EngineError: It has not begun, or is over.
        """
        ...


class Executor(Protocol):
    """Runs commands in roots; threads share it."""

    def emulate(self, platform: str) -> None:
        """See to it that programs of a platform can run, or raise an `EngineError`."""
        ...

    def shared_dir(self, root: Path) -> Path:
        """Return where to make a socket that a command in this root is to be shown."""
        ...

    def start(self, spec: ExecSpec, *, stdin: bytes | int | None = None) -> Running:
        """Start a command."""
        ...

    def ask(self, process: Running, argv: Sequence[str], *, timeout_s: float) -> Asked | None:
        """Run a second command beside a running one; None when time is up."""
        ...

    def attach(
        self, spec: ExecSpec, terminal: Terminal, *, gone: Callable[[], bool] = lambda: False
    ) -> int:
        """Run a command at a terminal and return its exit code; `gone` tells when to give up."""
        ...

    def join(
        self,
        process: Running,
        argv: Sequence[str],
        terminal: Terminal,
        *,
        gone: Callable[[], bool],
    ) -> int:
        """Run a second command beside a running one, at a terminal."""
        ...

    def close(self) -> None:
        """End what serves the commands; they should be over."""
        ...


class Wiring(Protocol):
    """The network that commands of a session share; threads share it too."""

    shares_ports: bool
    """A port that one command listens on, at all addresses, is taken for the others."""
    names: Names
    """What commands find by name, at any time."""

    def attach(self) -> Endpoint:
        """Return a place on the network for one command."""
        ...

    def release(self, endpoint: Endpoint, *, reuse: bool = True) -> None:
        """Take a place back."""
        ...

    def dial(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connection from the engine to a place's address."""
        ...

    def dial_datagrams(self, address: str, port: int) -> socket.socket:
        """Return a UDP socket of the engine that speaks to a place's address."""
        ...

    def listen(self, endpoint: Endpoint, port: int, *, host: str | None = None) -> socket.socket:
        """Return a listening socket of the engine's at a place; `host` is an address there."""
        ...

    def listen_datagrams(self, endpoint: Endpoint, port: int) -> socket.socket:
        """Return a UDP socket of the engine's at a place."""
        ...

    def starter(self, folder: Path, hosts: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words that start a program of the host's where it finds services by name.

        They stand before its command. `hosts` are the names with their addresses; `folder` is
        empty, and stays for as long as the program runs.
        """
        ...

    def close(self) -> None:
        """End what serves the network."""
        ...
