"""A run on the terminal: what works now, live, where somebody watches; plain lines elsewhere.

    with open_terminal(Console(stderr=True)) as observer:
        ...

Everything goes to the given console, so that standard output stays free for results.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.live import Live
from rich.text import Text

from keelway.errors import GateError
from keelway.model.events import (
    EngineChosen,
    Event,
    Note,
    Observer,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)
from keelway.model.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console, ConsoleOptions, RenderResult

SHOWN_STEPS = 8
"""So many steps that are at work are shown at once."""

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


class _Teller(Protocol):
    def __call__(self, text: Text) -> None:
        """Write one line that stays."""


@contextmanager
def open_terminal(console: Console) -> Generator[Observer]:
    """Give an observer that shows the run on this console until the block ends."""
    if not console.is_terminal:
        yield Lines(_teller(console), steps=True)
        return
    region = LiveRegion()
    with Live(region, console=console, refresh_per_second=8, transient=True) as live:
        yield _Both(Lines(_teller(live.console), steps=False), region)


def _teller(console: Console) -> _Teller:
    def tell(text: Text) -> None:
        console.print(text, soft_wrap=True)

    return tell


class _Both:
    """The lines that stay and the region below them."""

    def __init__(self, lines: Lines, region: LiveRegion) -> None:
        self._lines, self._region = lines, region

    def on(self, event: Event) -> None:
        """Pass the event to both: first the region, so that no line is told of what it shows."""
        self._region.on(event)
        self._lines.on(event)


class Lines:
    """One line for everything that is worth one."""

    def __init__(self, tell: _Teller, *, steps: bool) -> None:
        """Write by `tell`; with `steps`, tell of the engine's steps too."""
        self._tell = tell
        self._steps = steps
        self._names: dict[str, str] = {}

    def on(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        line = self._line(event)
        if line is not None:
            self._tell(line)

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

    def _step_line(self, event: StepStarted | StepEnded | StepOutput) -> Text | None:
        match event:
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
    return Text.assemble((f"{stage:<8}", "bold"), (text, style))


def _ending(event: StageEnded) -> str:
    if isinstance(event.error, GateError):
        return f"refused ({event.seconds:.1f} s)"
    words = {Status.OK: "done", Status.FAILED: "failed", Status.CANCELLED: "stopped"}
    return f"{words.get(event.status, event.status)} ({event.seconds:.1f} s)"


def _step_ended(name: str, event: StepEnded) -> Text | None:
    if event.error is not None:
        # The engine's words begin with the step, which is told already.
        reason = event.error.removeprefix(f"{name}: ")
        reason = reason.partition("\n")[0][:SHOWN_REASON]
        return Text(f"  failed  {name}: {reason}", style="red")
    if event.cached or event.seconds < WORTH_A_LINE_S:
        return None
    return Text(f"  {event.seconds:5.1f} s  {name}", style="dim")


class LiveRegion:
    """What works now: the stages and the engine's steps, redrawn several times a second."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._stages: dict[str, float] = {}
        self._steps: dict[str, tuple[str, float]] = {}
        self._done = self._cached = 0

    def on(self, event: Event) -> None:
        """Remember what is at work."""
        with self._lock:
            self._remember(event)

    def _remember(self, event: Event) -> None:
        match event:
            case StageStarted():
                self._stages[event.stage] = time.monotonic()
            case StageEnded():
                self._stages.pop(event.stage, None)
            case StepStarted():
                self._steps[event.step] = (event.name, time.monotonic())
            case StepEnded():
                self._steps.pop(event.step, None)
                self._done += not event.cached
                self._cached += event.cached
            case _:
                pass

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the region."""
        with self._lock:
            now, steps = time.monotonic(), list(self._steps.values())
            stages = [f"{name} {now - since:.0f} s" for name, since in self._stages.items()]
            counted = f"{self._done} steps run, {self._cached} cached"
        if not stages:
            return
        yield Text(f"{' · '.join(stages)}   {counted}", style="cyan")
        for name, since in steps[:SHOWN_STEPS]:
            line = Text(f"  {now - since:5.1f} s  {name}", style="dim")
            line.truncate(options.max_width, overflow="ellipsis")
            yield line
        if len(steps) > SHOWN_STEPS:
            yield Text(f"  and {len(steps) - SHOWN_STEPS} more", style="dim")
