"""An observer for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from keelway.model.events import Note

if TYPE_CHECKING:
    from keelway.model.events import Event

T = TypeVar("T")


class Listener:
    """Remembers every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def on(self, event: Event) -> None:
        """Remember the event."""
        self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def notes(self) -> list[str]:
        """Return what stages had to say."""
        return [note.text for note in self.of(Note)]
