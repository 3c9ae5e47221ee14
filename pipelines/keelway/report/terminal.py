"""A run on the terminal: what works now, live, where somebody watches; plain lines elsewhere.

    with open_terminal(Console(stderr=True)) as observer:
        ...

Everything goes to the given console, so that standard output stays free for results.
"""

from __future__ import annotations

import threading
import time
from collections import deque
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
    Silent,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)
from keelway.model.outcome import Status
from keelway.model.progress_form import ProgressForm
from keelway.report.json_lines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from rich.console import Console, ConsoleOptions, RenderResult

SHOWN_STEPS = 8
"""So many steps that are at work are shown at once."""

SHOWN_OUTPUT = 3
"""So many last lines of output are shown below a step, where the terminal has room for them."""

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
def open_terminal(console: Console, form: ProgressForm) -> Generator[Observer]:
    """Give an observer that shows the run on this console until the block ends.

    Args:
        console: Where to.
        form: In which form; a live view is given only to a console that is a terminal.
    """
    match form:
        case ProgressForm.NONE:
            yield Silent()
        case ProgressForm.JSON:
            yield JsonLines(console.file)
        case ProgressForm.TTY | ProgressForm.AUTO if console.is_terminal:
            region = LiveRegion()
            with Live(region, console=console, refresh_per_second=8, transient=True) as live:
                yield _Both(Lines(_teller(live.console), steps=False), region)
        case _:
            yield Lines(_teller(console), steps=True)


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
    return Text.assemble((f"{stage:<7} ", "bold"), (text, style))


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


class _AtWork:
    """A step of the engine that runs now, and the last lines that it wrote."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since = time.monotonic()
        self.lines: deque[str] = deque(maxlen=SHOWN_OUTPUT)

    def take(self, text: str) -> None:
        """Keep the end of some output: what a terminal would show of each line, without escapes."""
        lines = (line.rsplit("\r", 1)[-1] for line in text.rstrip("\r\n").split("\n"))
        shown = (Text.from_ansi(line).plain for line in lines)
        self.lines.extend(line.expandtabs() for line in shown if line.strip())


class LiveRegion:
    """What works now: the stages and the engine's steps, redrawn several times a second."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._stages: dict[str, float] = {}
        self._steps: dict[str, _AtWork] = {}
        self._done = self._cached = self._failed = 0

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
                self._steps[event.step] = _AtWork(event.name)
            case StepOutput() if event.step in self._steps:
                self._steps[event.step].take(event.text)
            case StepEnded():
                self._steps.pop(event.step, None)
                self._count(event)
            case _:
                pass

    def _count(self, event: StepEnded) -> None:
        if event.error is not None:
            self._failed += 1
        elif event.cached:
            self._cached += 1
        else:
            self._done += 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the region: no more rows than the terminal has, no row wider."""
        with self._lock:
            lines = list(self._lines(console.height - 1)) if self._stages else []
        for line in lines:
            line.truncate(options.max_width, overflow="ellipsis")
            yield line

    def _lines(self, room: int) -> Iterator[Text]:
        now = time.monotonic()
        stages = [f"{name} {now - since:.0f} s" for name, since in self._stages.items()]
        counted = f"{self._done} steps run, {self._cached} cached"
        failed = f", {self._failed} failed" if self._failed else ""
        yield Text(f"{' · '.join(stages)}   {counted}{failed}", style="cyan")
        steps = list(self._steps.values())
        most = max(min(SHOWN_STEPS, room - 2), 0)
        spare = room - 2 - min(len(steps), most)
        for number, step in enumerate(steps[:most]):
            yield Text(f"  {now - step.since:5.1f} s  {step.name}", style="dim")
            fair = max(spare, 0) // (min(len(steps), most) - number)
            lines = list(step.lines)[-fair:] if fair else []
            spare -= len(lines)
            for line in lines:
                yield Text(f"           │ {line}", style="dim")
        if len(steps) > most:
            yield Text(f"  and {len(steps) - most} more", style="dim")
