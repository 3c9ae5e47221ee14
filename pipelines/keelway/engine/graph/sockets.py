"""Unix sockets of the host: as values of queries, and as what a container's commands see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A Unix socket of the host; whether it is there shows when something uses it."""

    path: str
    """Absolute."""

    @property
    def identity(self) -> str:
        """Return what counts for the cache: who listens there is not known, nor what they say."""
        return f"path:{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSocket:
    """A socket that commands find at `path`, and that leads to one of the host."""

    path: str
    identity: str
    """What counts for the cache."""
    source: str = field(repr=False)
    """Path of the host's socket."""
    owner: str = ""
    """`user[:group]`; empty for root."""
    mode: int = 0o600


def with_socket(container: Container, socket: ExecSocket) -> Container:
    """Return the container with a socket; one that was at the same path is replaced."""
    kept = without_socket(container, socket.path)
    return replace(kept, sockets=(*kept.sockets, socket), image_ref="")


def without_socket(container: Container, path: str) -> Container:
    """Return the container without the socket at a path; none there is fine."""
    kept = tuple(one for one in container.sockets if one.path != path)
    return replace(container, sockets=kept)
