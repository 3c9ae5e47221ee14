"""What happens during a run, told to whoever listens: one frozen value an event.

Stages tell about themselves, the session about its engine, the engine about its steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from keelway.model.outcome import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChosen:
    """The engine that the run uses, and why."""

    name: str
    reason: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A stage began."""

    stage: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSkipped:
    """A stage had nothing to do."""

    stage: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnded:
    """A stage is over: with a result, with an error, or stopped from outside."""

    stage: str
    at: datetime
    seconds: float
    status: Status
    result: object = None
    """What the stage returned, or the partial result of one that failed."""
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStarted:
    """A stage began with one of the things that it works on side by side."""

    stage: str
    item: str
    """What people call it: `orders (linux/arm64)`, or the name of a test suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEnded:
    """A stage is done with one of them."""

    stage: str
    item: str
    seconds: float
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line that a stage has to say while it works."""

    stage: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """The engine began a step."""

    step: str
    """An id that is unique in the session."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """The engine is done with a step, or had it already."""

    step: str
    cached: bool
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput:
    """A line or more that a step, or the engine itself, wrote."""

    step: str | None
    stream: str
    text: str


Event = (
    EngineChosen
    | StageStarted
    | StageSkipped
    | StageEnded
    | ItemStarted
    | ItemEnded
    | Note
    | StepStarted
    | StepEnded
    | StepOutput
)
"""Something that happens in a run: an engine was chosen, a stage or a step began or ended."""


class Observer(Protocol):
    """Whoever wants to know how a run goes."""

    def on(self, event: Event) -> None:
        """Take notice of an event: quickly, without raising, from any thread."""
        ...


class Silent:
    """An observer that nobody listens to."""

    def on(self, event: Event) -> None:
        """Do nothing."""


class Several:
    """An observer that tells all of the given ones, in order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        """Keep the observers."""
        self._observers = tuple(observers)

    def on(self, event: Event) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.on(event)
