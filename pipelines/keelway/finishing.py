"""Several registries, of which one failed: the others are finished before that is told.

Example:
    >>> import anyio
    >>> from keelway.errors import PublishError
    >>> async def publish() -> tuple[str, ...]:
    ...     raise PublishError("b failed", failed=["b"], done=["a"], partial=("a",))
    >>> async def main() -> None:
    ...     others = FinishingOthers()
    ...     print(await others.first(publish(), kind=tuple))
    ...     others.raise_failure()
    >>> anyio.run(main)
    Traceback (most recent call last):
    ...
    keelway.errors.PublishError: b failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from keelway.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")
R = TypeVar("R")


class FinishingOthers:
    """Keeps the first failure until what others are still to get is done."""

    def __init__(self) -> None:
        self._failure: PublishError | None = None

    async def first(self, work: Awaitable[R], *, kind: type[T]) -> R | T:
        """Return the result of a stage, or what it did where a registry failed.

        Args:
            work: The stage.
            kind: Its result.

        Raises:
            PublishError: No registry took anything: there is nothing to be finished.
        """
        try:
            return await work
        except PublishError as error:
            if not isinstance(error.partial, kind) or not error.done:
                raise self._failure or error from None
            if self._failure is None:
                self._failure = error
            else:
                self._failure.add_note(f"also failed: {error.message}")
            return error.partial

    def raise_failure(self) -> None:
        """Tell what failed, if anything did.

        Raises:
            PublishError: Some registry did.
        """
        if self._failure is not None:
            raise self._failure
