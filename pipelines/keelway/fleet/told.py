"""What happens on one engine of several, told so that it can be told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.model.events import (
    EngineChosen,
    ItemEnded,
    ItemStarted,
    Note,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)

if TYPE_CHECKING:
    from keelway.model.events import Event, Observer


class ToldAs:
    """An observer that tells another one, with the place in the names of stages and steps.

    What stages return is left out: the release has the results of all engines, put together.
    """

    def __init__(self, observer: Observer, where: str, *, session: str) -> None:
        """Keep whom to tell.

        Args:
            observer: Who hears it.
            where: What stages are told apart by: the platforms.
            session: What steps are told apart by.
        """
        self._observer = observer
        self._where = where
        self._session = session

    def on(self, event: Event) -> None:
        """Pass the event on, under a name of its own."""
        self._observer.on(self._named(event))

    def _named(self, event: Event) -> Event:
        match event:
            case StageEnded():
                return replace(event, stage=self._stage(event.stage), result=None)
            case StageStarted() | StageSkipped() | ItemStarted() | ItemEnded() | Note():
                return replace(event, stage=self._stage(event.stage))
            case StepStarted() | StepEnded():
                return replace(event, step=f"{self._session}:{event.step}")
            case StepOutput():
                step = None if event.step is None else f"{self._session}:{event.step}"
                return replace(event, step=step)
            case EngineChosen():
                # Who does the work of the release itself is another one.
                text = f"{event.name} {event.version}: {event.reason}"
                return Note(stage=self._stage("engine"), text=text)

    def _stage(self, name: str) -> str:
        return f"{name} {self._where}"
