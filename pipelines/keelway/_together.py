"""Work side by side: when one part fails the others are stopped, and the first failure is raised.

Example:
    >>> import anyio
    >>> async def double(number: int) -> int:
    ...     return 2 * number
    >>> async def main() -> tuple[int, int]:
    ...     return await together(double(1), double(2))
    >>> anyio.run(main)
    (2, 4)
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from keelway.model.image import BuiltImage, Images

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")
R = TypeVar("R")

SIDE_BY_SIDE = 8
"""So many parts of one stage are given to the engine at once; the engine itself knows its cores."""


@overload
async def together(
    first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B], /
) -> tuple[A, B]: ...
@overload
async def together(
    first: Coroutine[Any, Any, A],
    second: Coroutine[Any, Any, B],
    third: Coroutine[Any, Any, C],
    /,
) -> tuple[A, B, C]: ...
@overload
async def together(
    first: Coroutine[Any, Any, A],
    second: Coroutine[Any, Any, B],
    third: Coroutine[Any, Any, C],
    fourth: Coroutine[Any, Any, D],
    /,
) -> tuple[A, B, C, D]: ...
async def together(*coroutines: Coroutine[Any, Any, object]) -> tuple[object, ...]:
    """Return the results of all, in order; they run side by side.

    Args:
        coroutines: What is done, as in `together(scan(...), make_sboms(...))`.

    Raises:
        Exception: The first failure; what else failed meanwhile is noted on it.
    """

    async def run(coroutine: Coroutine[Any, Any, object]) -> object:
        return await coroutine

    try:
        return await each(run, coroutines, limit=len(coroutines))
    finally:
        for coroutine in coroutines:  # one that never started would warn; a finished one minds not
            coroutine.close()


async def each(
    function: Callable[[T], Awaitable[R]], items: Iterable[T], *, limit: int = SIDE_BY_SIDE
) -> tuple[R, ...]:
    """Return the function's result for each item, in the order of the items.

    Args:
        function: What is done with one item.
        items: The items.
        limit: How many are worked on at once.

    Raises:
        Exception: The first failure; what else failed meanwhile is noted on it.
    """
    results: dict[int, R] = {}
    failures: list[Exception] = []
    limiter = anyio.CapacityLimiter(max(limit, 1))

    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(anyio.create_task_group())

        async def run(position: int, item: T) -> None:
            async with limiter:
                try:
                    results[position] = await function(item)
                except Exception as error:  # noqa: BLE001 - raised below, without an exception group
                    failures.append(error)
                    group.cancel_scope.cancel()

        for position, item in enumerate(items):
            group.start_soon(run, position, item)
    if failures:
        raise _first(failures)
    return tuple(results[position] for position in sorted(results))


async def each_built(
    function: Callable[[BuiltImage], Awaitable[R]], images: Images
) -> tuple[R, ...]:
    """Return the function's result for each image, in their order, each as soon as it is built.

    Args:
        function: What is done with one image.
        images: The images; one that is waited for keeps no other from its turn.

    Raises:
        Exception: The first failure; what else failed meanwhile is noted on it.
    """
    limiter = anyio.CapacityLimiter(SIDE_BY_SIDE)

    async def work(coming: BuiltImage) -> R:
        image = await coming.built()
        async with limiter:
            return await function(image)

    return await each(work, images.variants, limit=len(images.variants))


class Coming(Generic[T]):
    """A value that somebody makes while others wait for it."""

    def __init__(self) -> None:
        """Begin without it."""
        self._there = anyio.Event()
        self._values: list[T] = []

    def give(self, value: T) -> None:
        """Let all who wait go on; what is given first counts."""
        self._values.append(value)
        self._there.set()

    async def wait(self) -> T:
        """Return the value once it is there; whoever fails to make it must stop those who wait."""
        await self._there.wait()
        return self._values[0]


def _first(failures: list[Exception]) -> Exception:
    said = {str(failures[0])}
    for other in map(str, failures[1:]):
        if other not in said:
            failures[0].add_note(f"also failed: {other}")
        said.add(other)
    return failures[0]
