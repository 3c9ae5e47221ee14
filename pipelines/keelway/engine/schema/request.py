"""Which request a resolver works for, so that one which blocks can notice that nobody waits."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from keelway.engine.errors import Unsupported

if TYPE_CHECKING:
    from keelway.engine.solve.clienthost import HostOfCaller


class Request(Protocol):
    """One query on its way; `up` of a service ends when its client has gone."""

    nested: bool
    """Who asks has another host than this machine."""
    host: HostOfCaller | None
    """That host: the container of a command, or the machine of a client."""

    @property
    def traceparent(self) -> str:
        """The span that asks, as its `traceparent` header says; empty without one."""
        ...

    def gone(self) -> bool:
        """Tell whether the client has closed its connection."""
        ...

    def wait_gone(self, timeout_s: float | None = None) -> bool:
        """Wait until the client has gone, at most this long; return whether it has."""
        ...


class NoClient:
    """A request that nobody can walk away from: calls that do not come over HTTP."""

    nested = False
    host: HostOfCaller | None = None
    traceparent = ""

    def gone(self) -> bool:
        """Return False: there is no connection that could close."""
        return False

    def wait_gone(self, timeout_s: float | None = None) -> bool:
        """Return False after the time; without a limit this is a defect of the caller."""
        if timeout_s is None:
            raise ValueError("a request without a client would be waited for without end")
        import time  # noqa: PLC0415 - rare, and the module is on the way to the first answer

        time.sleep(timeout_s)
        return False


_CURRENT: ContextVar[Request | None] = ContextVar("keelway_request", default=None)


def current_request() -> Request:
    """Return the request that the calling resolver works for."""
    return _CURRENT.get() or NoClient()


def set_request(request: Request) -> None:
    """Make this the request of the calling thread's context."""
    _CURRENT.set(request)


def inside() -> HostOfCaller | None:
    """Return the caller's host where it is not this machine: a container, or a client's machine."""
    return current_request().host


def own_client(what: str) -> None:
    """Refuse whoever has another host what only a client on this machine may have.

    In Dagger the host of a command is its container. What of that is not to be had here is never
    given out as this machine has it.

    Raises:
        Unsupported: The calling resolver works for such a caller.
    """
    request = current_request()
    if request.host is not None and request.host.elsewhere:
        raise Unsupported(
            f"{what} is not supported by an engine on another machine: "
            "files, variables and secrets of yours are, sockets and ports are not"
        )
    if request.nested:
        raise Unsupported(
            f"{what} is not supported by the local engine in a nested session "
            "(experimentalPrivilegedNesting): the host is the session's own client's; mount or "
            "pass what the command needs, and take what it makes from its container"
        )
