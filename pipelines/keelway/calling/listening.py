"""Who hears how the functions get on."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway.model.events import Observer

LISTENER: ContextVar[Observer | None] = ContextVar("LISTENER", default=None)
"""Set by a caller that shows the progress itself."""


@contextmanager
def listener() -> Generator[Observer]:
    """Give whoever listens: without a caller that does, lines on standard error."""
    given = LISTENER.get()
    if given is not None:
        yield given
        return
    from rich.console import Console  # noqa: PLC0415 - registering must be quick

    from keelway.model.progress_form import ProgressForm  # noqa: PLC0415 - likewise
    from keelway.report.terminal import open_terminal  # noqa: PLC0415 - likewise

    with open_terminal(Console(stderr=True), ProgressForm.PLAIN) as observer:
        yield observer
