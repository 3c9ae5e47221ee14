"""What evaluation works with: the store, the kernel's side, the session's secrets, progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from keelway.engine.graph.node import Node
    from keelway.engine.run.executing import Executor, Wiring
    from keelway.engine.solve.inside import Inside
    from keelway.engine.solve.snapshotter import Snapshotter
    from keelway.engine.solve.way import Way
    from keelway.engine.store.store import Store

EVERYWHERE = "0.0.0.0"  # noqa: S104 - as Dagger's engine has it: a tunnel is there to be reached
LOOPBACK = "127.0.0.1"


class Progress(Protocol):
    """Whoever is told what the engine does."""

    def start(self, name: str, digest: str = "", inputs: Sequence[str] = ()) -> str:
        """Report that an operation begins; return what the other calls name it by."""
        ...

    def log(self, op: str, stream: str, data: bytes) -> None:
        """Report output of a running operation."""
        ...

    def end(self, op: str, *, cached: bool, error: str | None) -> None:
        """Report that an operation is over."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Keep what is reported within the block, and report it afterwards."""
        ...

    def origin(self, op: str) -> str:
        """Return where a running operation is in its trace; empty when it is in none."""
        ...

    def close(self) -> None:
        """Report that the session is over."""
        ...


class Clients(Protocol):
    """Who may speak to the session."""

    port: int
    """Where the session's server listens on the host's loopback."""

    def add(self, host: Inside | None = None) -> str:
        """Return a token for a command; `host` is what it has as its host."""
        ...

    def remove(self, token: str) -> None:
        """Forget a command's token."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """How commands are run and kept apart, and how they get their root."""

    runtime: Executor
    network: Wiring
    snapshotter: Snapshotter


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The parts that a solver works with, made once a session."""

    store: Store
    runtime: Executor
    network: Wiring
    snapshotter: Snapshotter
    progress: Progress
    clients: Clients
    secret: Callable[[str], bytes]
    """The value behind a secret's handle."""
    volatile: Callable[[str], str | None]
    """The newest value of a volatile variable in this session."""
    auth: Callable[[], dict[str, tuple[str, str]]]
    """Registry logins of the session: host -> user, password."""
    way: Callable[[Node], AbstractContextManager[Way]]
    """The way to a service, which runs for as long as the way is open."""
    epoch: int | None
    """`SOURCE_DATE_EPOCH`: seconds since 1970 that times in images are clamped to."""
    tunnels: str
    """The address of the host that tunnels listen at."""
