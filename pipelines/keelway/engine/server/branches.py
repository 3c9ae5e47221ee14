"""Work side by side in threads: all results in order, or the first error there is."""

from __future__ import annotations

import contextvars
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
MOST_THREADS = 256

_Done = queue.SimpleQueue[tuple[int, Any, BaseException | None]]


class Branches:
    """Runs jobs in threads, of which there is a highest number over all callers.

    A job may run jobs itself: where no thread is left, the caller's own does the work, so that
    nobody ever waits for a thread.
    """

    def __init__(self, most: int = MOST_THREADS) -> None:
        """Have at most this many threads at a time."""
        self._free = threading.BoundedSemaphore(most)

    def run(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Return what the jobs return, in their order; the first error ends the wait for others.

        Raises:
            BaseException: what the first failing job raised.
        """
        if len(jobs) <= 1:
            return [job() for job in jobs]
        done = _Done()
        *others, last = jobs
        here = [(len(others), last)]
        for index, job in enumerate(others):
            if self._free.acquire(blocking=False):
                self._start(done, index, job)
            else:
                here.append((index, job))
        for index, job in here:
            done.put((index, *_outcome(job)))
        return _gather(done, len(jobs))

    def _start(self, done: _Done, index: int, job: Callable[[], Any]) -> None:
        def run() -> None:
            outcome = _outcome(job)
            self._free.release()
            done.put((index, *outcome))

        # Resolvers ask for the request they work for, which the context carries.
        target = partial(contextvars.copy_context().run, run)
        threading.Thread(target=target, daemon=True).start()


def _outcome(job: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return job(), None
    except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
        return None, error


def _gather(done: _Done, count: int) -> list[Any]:
    results: list[Any] = [None] * count
    for _ in range(count):
        index, result, error = done.get()
        if error is not None:
            raise error
        results[index] = result
    return results
