"""Whether anybody still waits for what a thread does: work that takes long asks now and then.

with abandoned_when(step.cancel.is_set):
    ...
    check_waited()      # somewhere in a loop
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def _never() -> bool:
    return False


_ABANDONED: ContextVar[Callable[[], bool]] = ContextVar("keelway_abandoned", default=_never)


@contextlib.contextmanager
def abandoned_when(asked: Callable[[], bool]) -> Generator[None]:
    """Have `check_waited` of this thread raise in the block once `asked` says so."""
    token = _ABANDONED.set(asked)
    try:
        yield
    finally:
        _ABANDONED.reset(token)


def check_waited() -> None:
    """Return if somebody still waits.

    Raises:
        EngineError: Nobody does.
    """
    if _ABANDONED.get()():
        raise EngineError("nobody waits for it any more")
