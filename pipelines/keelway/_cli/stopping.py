"""Work that can be stopped: by Ctrl-C, by SIGTERM, and at once by either of them again."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio

from keelway._cli import output
from keelway._cli.failing import StoppedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskStatus

T = TypeVar("T")

GRACE_S = 90
"""Work that was told to stop has so long: more than an engine gets to end its session."""

SIGNAL_MAY_FOLLOW_S = 0.1
"""After a failure a signal that caused it is waited for so long."""


def run_until_stopped(work: Callable[[], Awaitable[T]], *, grace_s: float = GRACE_S) -> T:
    """Return what the work returns.

    Args:
        work: What is done.
        grace_s: How long it may take to stop.

    Raises:
        StoppedError: When a signal stopped it, after everything was taken down in order.
        Exception: What the work raises.
    """
    return anyio.run(_until_stopped, work, grace_s)


@dataclass(slots=True)
class _Stop:
    """The signal that came, if any."""

    grace_s: float
    number: int | None = None


async def _until_stopped(work: Callable[[], Awaitable[T]], grace_s: float) -> T:
    stop = _Stop(grace_s=grace_s)
    scope = anyio.CancelScope()
    results: list[T] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        await group.start(_listen, scope, stop)
        with scope:
            try:
                results.append(await work())
            except Exception as error:  # noqa: BLE001 -- raised below, without an exception group
                failures.append(error)
                # A signal for all of a group ends the engine too, and its end may be seen first.
                await anyio.sleep(SIGNAL_MAY_FOLLOW_S)
        group.cancel_scope.cancel()
    if stop.number is not None:
        # Whatever else failed meanwhile failed because of that.
        raise StoppedError(stop.number)
    if failures:
        raise failures[0]
    return results[0]


async def _listen(
    scope: anyio.CancelScope,
    stop: _Stop,
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Cancel the scope at the first signal; leave at the second, or when the grace is over."""
    async with anyio.create_task_group() as group:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                if stop.number is not None:
                    _leave(number)
                stop.number = number
                output.notice("stopping in order; the same again stops at once")
                scope.cancel()
                group.start_soon(_leave_later, number, stop.grace_s)


async def _leave_later(number: int, grace_s: float) -> None:
    await anyio.sleep(grace_s)
    _leave(number)


def _leave(number: int) -> None:
    # Not by an exception: a thread that waits for an engine could still hold the program back. The
    # engine sees its standard input close, and ends by itself.
    os._exit(128 + number)
