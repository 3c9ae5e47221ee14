"""When the engine's steps worked: kept while they run, told in `report.json`."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.report.masking import masked
from keelway.report.part import Part

if TYPE_CHECKING:
    from keelway.model.events import StepEnded, StepStarted

MOST_STEPS = 500
"""So many steps are told one by one: those that failed, then those that took longest."""


class TimedStepPart(Part):
    """One step of the engine."""

    name: str
    began_s: float
    """Seconds after the run began."""
    seconds: float
    cached: bool
    error: str | None
    """What went wrong, in one line."""


class TimingsPart(Part):
    """The engine's steps, in the order in which they began."""

    steps: tuple[TimedStepPart, ...]
    left_out: int
    """How many more there were: the shortest."""


@dataclass(slots=True)
class _Timed:
    name: str
    began_s: float
    seconds: float
    cached: bool
    error: str | None

    @property
    def weight(self) -> tuple[bool, bool, float]:
        """Return how much it is worth telling."""
        return (self.error is not None, not self.cached, self.seconds)


class Timings:
    """Remembers the steps that are worth telling; no more than so many, however many there are."""

    def __init__(self) -> None:
        """Begin to count the time."""
        self._zero = time.monotonic()
        self._open: dict[str, tuple[str, float]] = {}
        self._kept: list[tuple[tuple[bool, bool, float], int, _Timed]] = []
        self._number = 0

    def now(self) -> float:
        """Return how many seconds have gone."""
        return time.monotonic() - self._zero

    def start(self, event: StepStarted) -> None:
        """Remember that a step began."""
        self._open[event.step] = (event.name, self.now())

    def end(self, event: StepEnded) -> None:
        """Remember that it ended, in place of a shorter one where there are too many."""
        now = self.now()
        name, began = self._open.pop(event.step, (event.step, now - event.seconds))
        error = None if event.error is None else event.error.partition("\n")[0]
        step = _Timed(name, max(began, 0.0), event.seconds, event.cached, error)
        self._number += 1
        entry = (step.weight, self._number, step)
        if len(self._kept) < MOST_STEPS:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def part(self) -> TimingsPart:
        """Return what the report says of them."""
        steps = sorted((step for _, _, step in self._kept), key=lambda step: step.began_s)
        return TimingsPart(
            steps=tuple(
                TimedStepPart(
                    name=masked(step.name),
                    began_s=round(step.began_s, 3),
                    seconds=round(step.seconds, 3),
                    cached=step.cached,
                    error=None if step.error is None else masked(step.error),
                )
                for step in steps
            ),
            left_out=self._number - len(steps),
        )
