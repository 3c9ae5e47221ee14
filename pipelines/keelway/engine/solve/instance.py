"""One running service: from its start to its end, whoever waits for either."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from keelway.engine.errors import EngineError, ExecFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from keelway.engine.graph.values import Port
    from keelway.engine.run.executing import Running

GRACE_S = 10.0
"""How long a service that was asked to end has for it, and one without users before that."""
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a healthy service is found."""

    address: str
    ports: tuple[Port, ...] = ()
    """The ports, where only the running service knows them: those of the host."""


class Work(Protocol):
    """What a service does: a command that runs, or connections that are passed on."""

    def run(self, ready: Callable[[Where], None]) -> int:
        """Serve until the end and return the exit code; call `ready` once, when healthy."""
        ...

    def terminate(self) -> None:
        """Ask it to end; any thread may, at any time."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    @property
    def process(self) -> Running | None:
        """Return the command while it runs, None where there is none."""
        ...


class Instance:
    """A service's run, in a thread of its own."""

    def __init__(
        self,
        hostname: str,
        work: Work,
        on_ready: Callable[[Instance, Where], None],
        on_end: Callable[[Instance], None],
    ) -> None:
        """Prepare a run; `on_ready` is called when it is healthy, `on_end` when it is over."""
        self.hostname = hostname
        self.users = 0
        """Who needs it now; guarded, as what follows, by whoever counts them."""
        self.pinned = False
        self.stopping = False
        """It was asked to end: whoever needs it waits for that, and starts another."""
        self.leaving: threading.Timer | None = None
        self.ports: frozenset[int] = frozenset()
        """What it listens on, which matters where services share one network."""
        self.grace_s = GRACE_S
        """How long it goes on without users."""
        self.where: Where | None = None
        self.code: int | None = None
        self._work = work
        self._on_ready = on_ready
        self._on_end = on_end
        self._failure: EngineError | None = None
        self._settled = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._watchers: set[Callable[[], None]] = set()
        # It belongs to the request that started it, which the context carries.
        run = partial(contextvars.copy_context().run, self._run)
        self._thread = threading.Thread(target=run, name=f"service {hostname}", daemon=True)

    def start(self) -> None:
        """Begin; `wait_ready` tells what came of it."""
        self._thread.start()

    @property
    def process(self) -> Running | None:
        """Return the command of a container's service while it runs."""
        return None if self.is_over else self._work.process

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return self._ended.is_set()

    @property
    def end(self) -> str:
        """Say how it ended, as the end of a sentence; empty for an exit code of 0."""
        if self._failure is not None:
            return f": {self._failure}"
        return f": exit code: {self.code}" if self.code else ""

    def wait_ready(
        self, doing: str = "", *, cancelled: Callable[[], bool] = lambda: False
    ) -> Where:
        """Return where the service is found once it is healthy; `doing` is put before an error.

        Raises:
            ExecFailed: Its command ended before that, or its health check failed.
            EngineError: It could not be started, or nobody wants to wait any more.
        """
        while not self._settled.wait(_LOOK_S):
            if cancelled():
                raise EngineError(f"start {self.hostname}: nobody waits for it any more")
        if self.where is None:
            failure = self._failure or EngineError("service exited before healthcheck")
            raise told(failure, doing) if doing else failure
        return self.where

    def wait_ended(self, timeout_s: float | None = None) -> bool:
        """Wait until it is over, at most this long; return whether it is."""
        return self._ended.wait(timeout_s)

    @contextlib.contextmanager
    def watching(self, on_end: Callable[[], None]) -> Generator[None]:
        """Have `on_end` called when the service ends within the block, or has ended before."""
        with self._lock:
            over = self._ended.is_set()
            if not over:
                self._watchers.add(on_end)
        if over:
            on_end()
        try:
            yield
        finally:
            with self._lock:
                self._watchers.discard(on_end)

    def terminate(self) -> None:
        """Ask it to end."""
        self._work.terminate()

    def kill(self) -> None:
        """End it now."""
        self._work.kill()

    def end_gently(self) -> None:
        """Ask it to end and wait for that; kill it when it takes too long."""
        self.terminate()
        if not self.wait_ended(GRACE_S):
            self.kill()

    def _run(self) -> None:
        try:
            self.code = self._work.run(self._ready)
        except EngineError as error:
            self._failure = error
        except BaseException as error:  # noqa: BLE001 - told to those who wait for the service
            self._failure = EngineError(f"{type(error).__name__}: {error}")
        finally:
            self._over()

    def _ready(self, where: Where) -> None:
        self._on_ready(self, where)
        self.where = where
        self._settled.set()

    def _over(self) -> None:
        self._on_end(self)  # first: who is woken by the end may want to start it anew
        with self._lock:
            self._ended.set()
            watchers = list(self._watchers)
        self._settled.set()
        for watcher in watchers:
            watcher()


def told(failure: EngineError, doing: str) -> EngineError:
    """Return why a service did not start, as an error of whoever wanted it."""
    if isinstance(failure, ExecFailed):
        return ExecFailed(
            f"{doing}: {failure}",
            command=failure.command,
            exit_code=failure.exit_code,
            stdout=failure.stdout,
            stderr=failure.stderr,
        )
    return EngineError(f"{doing}: {failure}")
