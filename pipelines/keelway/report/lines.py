"""A run as lines of a log, one for everything that is worth one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from rich.text import Text

from keelway.errors import GateError
from keelway.model.events import (
    EngineChosen,
    Event,
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
from keelway.model.outcome import Status

if TYPE_CHECKING:
    from keelway.report.groups import Groups

SHOWN_REASON = 200
"""So many characters of why a step failed are shown; the error that follows has them all."""

WORTH_A_LINE_S = 0.1
"""A step that took less is counted, not told, where nobody watches."""

_STYLES = {
    Status.OK: "green",
    Status.SKIPPED: "yellow",
    Status.FAILED: "bold red",
    Status.CANCELLED: "yellow",
}
_WORDS = {
    Status.OK: "done",
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
    Status.CANCELLED: "stopped",
}
_INNER = (ItemEnded, StepEnded, StepOutput)
"""Events whose lines are details."""


class _Teller(Protocol):
    def __call__(self, text: Text) -> None:
        """Write one line that stays."""


class Lines:
    """One line for everything that is worth one."""

    def __init__(self, tell: _Teller, *, steps: bool, groups: Groups | None = None) -> None:
        """Write by `tell`; with `steps`, tell of the engine's steps too, in groups if there are."""
        self._tell = tell
        self._steps = steps
        self._groups = groups
        self._is_open = False
        self._stages: list[str] = []
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def on(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        with self._lock:
            self._follow(event)
            line = self._line(event)
            if line is not None:
                self._fold(inner=isinstance(event, _INNER))
                self._tell(line)

    def close(self) -> None:
        """End what is open."""
        with self._lock:
            self._fold(inner=False)

    def _follow(self, event: Event) -> None:
        """Remember which stages are at work: a group is called by them."""
        if isinstance(event, StageStarted):
            self._stages.append(event.stage)
        elif isinstance(event, StageEnded) and event.stage in self._stages:
            self._stages.remove(event.stage)

    def _fold(self, *, inner: bool) -> None:
        """Begin a group before the first line of details, and end it before any other line."""
        if self._groups is None or inner is self._is_open:
            return
        if inner:
            self._groups.open(f"{', '.join(self._stages) or 'engine'}: steps")
        else:
            self._groups.close()
        self._is_open = inner

    def _line(self, event: Event) -> Text | None:
        match event:
            case EngineChosen():
                engine = f"{event.name} {event.version}: {event.reason}"
                return Text.assemble(("engine", "bold"), f"  {engine}")
            case StageStarted():
                return _stage_line(event.stage, "started", "cyan") if self._steps else None
            case StageSkipped():
                return _stage_line(event.stage, f"skipped: {event.reason}", "yellow")
            case StageEnded():
                return _stage_line(event.stage, _ending(event), _STYLES[event.status])
            case Note():
                return _stage_line(event.stage, event.text, "")
            case _:
                return self._step_line(event) if self._steps else None

    def _step_line(
        self, event: StepStarted | StepEnded | StepOutput | ItemStarted | ItemEnded
    ) -> Text | None:
        match event:
            case ItemStarted():
                return None
            case ItemEnded():
                return _item_ended(event)
            case StepStarted():
                self._names[event.step] = event.name
                return None
            case StepEnded():
                name = self._names.pop(event.step, event.step)
                return _step_ended(name, event)
            case StepOutput():
                # A step that fails has its output in the error; what the engine says is for people.
                return Text(f"  engine: {event.text}") if event.step is None else None


def _stage_line(stage: str, text: str, style: str) -> Text:
    return Text.assemble((f"{stage:<7} ", "bold"), (text, style))


def _ending(event: StageEnded) -> str:
    if isinstance(event.error, GateError):
        return f"refused ({event.seconds:.1f} s)"
    return f"{_WORDS[event.status]} ({event.seconds:.1f} s)"


def _item_ended(event: ItemEnded) -> Text:
    text = f"  {event.seconds:5.1f} s  {event.stage}: {event.item} {_WORDS[event.status]}"
    return Text(text, style="dim" if event.status is Status.OK else "red")


def _step_ended(name: str, event: StepEnded) -> Text | None:
    if event.error is not None:
        # The engine's words begin with the step, which is told already.
        reason = event.error.removeprefix(f"{name}: ")
        reason = reason.partition("\n")[0][:SHOWN_REASON]
        return Text(f"  failed  {name}: {reason}", style="red")
    if event.cached or event.seconds < WORTH_A_LINE_S:
        return None
    return Text(f"  {event.seconds:5.1f} s  {name}", style="dim")
