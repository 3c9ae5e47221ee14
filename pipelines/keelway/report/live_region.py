"""What works now, on a terminal that somebody watches: a region below the lines, drawn again."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from rich.text import Text

from keelway.model.events import (
    Event,
    ItemEnded,
    ItemStarted,
    StageEnded,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)
from keelway.model.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderResult

SHOWN_STEPS = 8
"""So many steps that are at work are shown at once."""

SHOWN_OUTPUT = 3
"""So many last lines of output are shown below a step, where the terminal has room for them."""


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


class _Items:
    """What a stage works on side by side: images and platforms, or test suites."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._ended = {Status.OK: 0, Status.FAILED: 0, Status.CANCELLED: 0}

    def begin(self, item: str) -> None:
        """Remember that it is at work."""
        self._since[item] = time.monotonic()

    def end(self, event: ItemEnded) -> None:
        """Remember that it is no longer."""
        self._since.pop(event.item, None)
        self._ended[event.status] = self._ended.get(event.status, 0) + 1

    def shown(self, now: float) -> str:
        """Return them on one line: what is at work first, for lines are cut at their end."""
        working = [f"{item} {now - since:.0f} s" for item, since in self._since.items()]
        words = {Status.OK: "done", Status.FAILED: "failed", Status.CANCELLED: "stopped"}
        ended = [f"{self._ended[status]} {word}" for status, word in words.items()]
        return " · ".join([*working, *(text for text in ended if not text.startswith("0 "))])


class LiveRegion:
    """What works now: the stages and the engine's steps, redrawn several times a second."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._stages: dict[str, float] = {}
        self._items: dict[str, _Items] = {}
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
                self._items.pop(event.stage, None)
            case ItemStarted():
                self._items.setdefault(event.stage, _Items()).begin(event.item)
            case ItemEnded() if event.stage in self._items:
                self._items[event.stage].end(event)
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
        items = [f"  {name:<12} {one.shown(now)}" for name, one in self._items.items()]
        for line in items[: max(room - 2, 0)]:
            yield Text(line)
        yield from self._step_lines(now, room - len(items))

    def _step_lines(self, now: float, room: int) -> Iterator[Text]:
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
